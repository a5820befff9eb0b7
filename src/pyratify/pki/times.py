"""Times in signed attributes, read strictly."""

import re
from datetime import UTC, datetime

# What `fromisoformat` takes beyond it, as 24:00 or an offset of 60 minutes, no other reader would.
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:[0-5]\d)", re.ASCII
)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class InvalidTime(ValueError):
    """A value that is not a point in time in the required form."""


def parse_rfc3339(text: str) -> datetime:
    """Parse `2026-06-01T12:00:00Z` (RFC 3339, section 5.6), in capitals and always with its offset from UTC.

    Raises:
        InvalidTime: Anything else, leap seconds included.
    """
    if len(text) > 40 or _RFC3339.fullmatch(text) is None:
        raise InvalidTime(f"not a time as RFC 3339 writes it: {text[:40]!r}")
    try:
        # datetime has microseconds; further digits are cut off, so a time never moves forward.
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidTime(f"not a point in time: {text!r}") from None


def from_epoch(seconds: object) -> datetime:
    """Return the time for a number of whole seconds since 1970 (RFC 8949, section 3.4.2).

    Raises:
        InvalidTime: Not an integer, negative, or after the year 9999.
    """
    # Not isinstance: `true` is an int in Python.
    if type(seconds) is not int or not 0 <= seconds <= _LAST_SECOND:
        raise InvalidTime("not a whole number of seconds between 1970 and 9999")
    return datetime.fromtimestamp(seconds, UTC)


def format_time(time: datetime) -> str:
    """Return the time in UTC as RFC 3339 writes it, without fractions of a second."""
    utc = time.astimezone(UTC)
    # Half the time of `strftime` and of `isoformat`.
    return f"{utc.year:04}-{utc.month:02}-{utc.day:02}T{utc.hour:02}:{utc.minute:02}:{utc.second:02}Z"
