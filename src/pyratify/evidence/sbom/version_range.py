"""Ranges of versions, as `vers:deb/<1.2.3` (the VERS specification); the only module that knows their library."""

from functools import lru_cache
from typing import Any

MAX_VERSION = 200
"""Characters of a version; a longer one is not compared."""


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
        self._cached = lru_cache(maxsize=1024)(self._contains)

    def contains(self, version: str) -> bool | None:
        """Return whether a version is in the range; None where it cannot be compared."""
        # Before it is remembered: a version is text of the document's author.
        return self._cached(version) if 0 < len(version) <= MAX_VERSION else None

    def _contains(self, version: str) -> bool | None:
        try:
            return bool(self._range.version_class(version) in self._range)
        # Each scheme's class fails in its own ways.
        except Exception as error:
            if isinstance(error, MemoryError):
                raise
            return None
