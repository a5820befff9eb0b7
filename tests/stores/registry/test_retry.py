"""When a request is made again."""

from datetime import UTC, datetime

import pytest

from pyratify.stores.registry.retry import RetryPolicy, retry_after
from pyratify.stores.registry.transport import Headers

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
POLICY = RetryPolicy(tries=4, first=1.0, longest=10.0, jitter=lambda: 0.5)


def _asking(text: str) -> Headers:
    return Headers((("retry-after", text),))


def test_the_wait_doubles() -> None:
    """One second, two, four, then no more."""
    assert [POLICY.delay(tried, 100.0) for tried in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, None]


def test_jitter_spreads_the_wait() -> None:
    """From half to one and a half of it."""
    waits = [RetryPolicy(jitter=lambda value=value: value).delay(1, 10.0) for value in (0.0, 1.0)]
    assert waits == [pytest.approx(0.05), pytest.approx(0.15)]


def test_nobody_waits_past_the_deadline() -> None:
    """A wait that would end after the deadline does not begin."""
    assert POLICY.delay(1, 0.9) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("Mon, 01 Jun 2026 12:00:30 GMT", 30.0),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("\uff11", None),
        ("9999999999999", None),
    ],
)
def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110, section 10.2.3); anything else says nothing."""
    assert retry_after(_asking(text), NOW) == seconds


@pytest.mark.parametrize(("text", "wait"), [("5", 5.0), ("0", 1.0), ("3600", 10.0)])
def test_the_registrys_wish_is_respected_within_bounds(text: str, wait: float) -> None:
    """Never less than our own wait, never more than the longest."""
    assert POLICY.delay(1, 100.0, headers=_asking(text), now=NOW) == wait
