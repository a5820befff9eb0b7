"""Ranges of versions, as `vers:deb/<1.2.3` (the VERS specification); the only module that knows their library."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

# Around a constraint, and after its comparator.
_SPACES = re.compile(r"\A\s+|\s+\Z|(?<=[<>=!/])\s+")
MAX_VERSION = 200
"""Characters of a version; a longer one is not compared."""


class InvalidRange(ValueError):
    """A text that is no range of versions."""


def _decoded(text: str) -> str:
    """Return a range with its versions as they are: `vers:rpm/<1%3A2.0` is one below epoch 1 (VERS, "URL quoting rules")."""
    parts = [_SPACES.sub("", unquote(each)) for each in text.split("|")]
    # The library would take what follows for a part of the version.
    if any(re.search(r"[|,;\s]", each) for each in parts):
        raise InvalidRange("its constraints are separated by | and by nothing else")
    return "|".join(parts)


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
            found: Any = Range.from_string(_decoded(text))  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise InvalidRange(str(error)[:200]) from None
        if not found.constraints and "*" not in text:
            raise InvalidRange("it has no constraint")
        self._range = found
        self.text = text
        self.scheme = str(found.scheme)
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
