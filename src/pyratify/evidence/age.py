"""Durations in rules, and the age of evidence."""

import re
from datetime import datetime, timedelta

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.times import format_time

# Between the clocks of a signer and of this machine, as for timestamps.
SKEW = timedelta(minutes=5)
"""How far another clock may be ahead of this one."""
# Bounded digits: timedelta raises OverflowError for large numbers.
_DURATION = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,7})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?", re.ASCII)


def optional_duration(text: str | None, path: str) -> timedelta | None:
    """Return a duration; None where none is given, which an empty text is not: an unset variable switches no rule off.

    Raises:
        ConfigurationError: As `parse_duration`.
    """
    return None if text is None else parse_duration(text, path)


def parse_duration(text: str, path: str) -> timedelta:
    """Return a duration as `720h`, `30d` or `1h30m`.

    Raises:
        ConfigurationError: It is not one, or not above zero.
    """
    match = _DURATION.fullmatch(text)
    days, hours, minutes, seconds = (int(each or 0) for each in match.groups()) if match else (0, 0, 0, 0)
    found = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not found:
        raise ConfigurationError(
            f"{text[:40]!r} is no duration above zero", path=path, remedy="Write it as 720h, 30d or 1h30m."
        )
    return found


def check_age(
    what: str,
    times: tuple[datetime | None, ...],
    maximum: timedelta | None,
    now: datetime,
    *,
    undated: str = "Use a builder that states its times, or sign with a timestamp.",
    stale: str = "Build the image again, or allow a greater age.",
) -> datetime | None:
    """Refuse evidence that is too old; return when it will be, None where no age is too old.

    Args:
        what: The kind of document, for messages.
        times: When it was made and signed, as far as that is known; the earliest counts, so that signing an old document
            again does not make it new.
        maximum: The age that it may have; None for any.
        now: The present.
        undated: What to do where nothing says when it was made.
        stale: What to do where it is too old.

    Raises:
        VerificationError: `EVIDENCE_STALE`, or `TIME_INVALID` for a time of the future.
    """
    known = [time for time in times if time is not None]
    # Also without a maximum: a document of the future is not what it says.
    for time in known:
        if time > now + SKEW:
            raise VerificationError(
                Reason.TIME_INVALID,
                f"the {what} is dated {format_time(time)}, after the present {format_time(now)}",
            )
    if maximum is None:
        return None
    # Fail closed: without a date the document may be of any age.
    if not known:
        raise VerificationError(
            Reason.EVIDENCE_STALE,
            f"nothing says when the {what} was made, and it may be at most {_hours(maximum)} old",
            remedy=undated,
        )
    made = min(known)
    if now - made > maximum:
        raise VerificationError(
            Reason.EVIDENCE_STALE,
            f"the {what} of {format_time(made)} is {_hours(now - made)} old, more than the {_hours(maximum)} allowed",
            remedy=stale,
        )
    return made + maximum


def _hours(duration: timedelta) -> str:
    hours = duration.total_seconds() / 3600
    return f"{hours:.0f} h" if hours >= 1 else f"{duration.total_seconds():.0f} s"
