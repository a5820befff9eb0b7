"""Times are read in one form."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.pki.times import InvalidTime, format_time, from_epoch, parse_rfc3339


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-06-01T12:00:00Z", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("2026-06-01T12:00:00.5Z", datetime(2026, 6, 1, 12, 0, 0, 500_000, UTC)),
        ("2026-06-01T12:00:00.123456789Z", datetime(2026, 6, 1, 12, 0, 0, 123_456, UTC)),
        ("2026-06-01T12:00:00+02:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T12:00:00-02:30", datetime(2026, 6, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, time: datetime) -> None:
    """With fractions and offsets; the result is in UTC."""
    assert parse_rfc3339(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-01T24:00:00Z",
        "2026-06-01T12:00:60Z",
        "2026-06-01T12:00:00+01:60",
        "2026-06-01T12:00:00+24:00",
        "2026-06-01T12:00:00+0100",
        "2026-06-01T12:00:00+01:00:30",
        "2026-06-01T12:00:00",
        "2026-06-01T12:00:00,5Z",
        "2026-06-01T12:00:00z",
        "2026-06-01 12:00:00Z",
        "2026-W23-1T12:00:00Z",
        "20260601T120000Z",
        "2026-06-31T12:00:00Z",
        "0001-01-01T00:00:00+00:01",
    ],
)
def test_other_forms_of_iso_8601_are_refused(text: str) -> None:
    """Readers differ on them, and Python's own reads most."""
    with pytest.raises(InvalidTime):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 6, 1, 12, 0, 0, 999_999, UTC), "2026-06-01T12:00:00Z"),
        (datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-06-01T10:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_in_whole_seconds(time: datetime, text: str) -> None:
    """Cut off, never rounded up: no time moves forward."""
    assert format_time(time) == text


@given(st.integers(0, 253_402_300_799))
def test_whole_seconds_survive_a_round_trip(seconds: int) -> None:
    """Law: both encodings mean the same moment."""
    time = from_epoch(seconds)
    assert parse_rfc3339(format_time(time)) == time


@given(st.text(max_size=45))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Law: nothing but the one error."""
    with suppress(InvalidTime):
        parse_rfc3339(text)


@pytest.mark.parametrize("value", [-1, 253_402_300_800, 1.0, True, "1", None])
def test_other_numbers_of_seconds_are_refused(value: object) -> None:
    """Integers between 1970 and 9999, and true is none."""
    with pytest.raises(InvalidTime):
        from_epoch(value)


def test_a_year_has_four_digits() -> None:
    """Go's empty time is of the year 1; fractions are left out."""
    assert format_time(datetime(1, 1, 1, 0, 0, 0, 5, UTC)) == "0001-01-01T00:00:00Z"
