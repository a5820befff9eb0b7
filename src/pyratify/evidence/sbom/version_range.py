"""Ranges of versions, as `vers:deb/<1.2.3` (the VERS specification); the only module that knows their library."""

from functools import lru_cache
from typing import Any

_MAX_TEXT = 200


class InvalidRange(ValueError):
    """A text that is no range of versions."""


class VersionRange:
    """A range of versions of one ecosystem.

    Args:
        text: As `vers:npm/>=1.0.0|<2.0.0`; the scheme says how versions are compared.

    Raises:
        InvalidRange: It is none, or of an unknown scheme.
        ImportError: The library is not installed.
    """

    def __init__(self, text: str) -> None:
        # Lazy: 50 ms, and only rules with a range need it.
        from univers.version_range import VersionRange as Range

        try:
            found: Any = Range.from_string(text)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise InvalidRange(str(error)[:200]) from None
        if not found.constraints and "*" not in text:
            raise InvalidRange("it has no constraint")
        self._range = found
        self.text = text
        self.scheme = text.removeprefix("vers:").partition("/")[0]
        self.contains = lru_cache(maxsize=1024)(self._contains)

    def _contains(self, version: str) -> bool | None:
        """Return whether a version is in the range; None where it cannot be compared."""
        if not version or len(version) > _MAX_TEXT:
            return None
        try:
            return bool(self._range.version_class(version) in self._range)
        # A version is text of the document's author; each scheme's class fails in its own ways.
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
            return None
