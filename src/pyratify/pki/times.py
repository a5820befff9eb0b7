"""Times in signed attributes, read strictly."""

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class InvalidTime(ValueError):
    """A value that is not a point in time in the required form."""


def parse_rfc3339(text: str) -> datetime:
    """Parse `2026-06-01T12:00:00Z` (RFC 3339, section 5.6), in capitals and always with its offset from UTC.

    Raises:
        InvalidTime: Anything else, leap seconds included.
    """
    match = _RFC3339.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        raise InvalidTime(f"not a time as RFC 3339 writes it: {text[:40]!r}")
    *date, fraction, sign, hours, minutes = match.groups()
    try:
        zone = timezone(_offset(sign, int(hours), int(minutes))) if sign else UTC
        year, month, day, hour, minute, second = map(int, date)
        # datetime has microseconds; further digits are cut off, so a time never moves forward.
        microsecond = int((fraction or "").ljust(6, "0")[:6])
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
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
    # Not strftime, whose years before 1000 have fewer than four digits; Go's empty time is of the year 1.
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _offset(sign: str, hours: int, minutes: int) -> timedelta:
    if hours > 23 or minutes > 59:
        raise InvalidTime("not an offset from UTC")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if sign == "-" else offset
