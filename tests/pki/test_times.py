"""Times are read in one form."""

from contextlib import suppress
from datetime import UTC, datetime

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
