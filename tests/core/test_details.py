"""The facts that the details of every verifier have in common."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pyratify.core.details import common_facts, created_at

MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_what_is_unknown_is_left_out() -> None:
    """An empty text would read as a fact."""
    assert common_facts("k") == {"signer": "k"}


def test_the_time_is_in_utc_and_is_read_back() -> None:
    """As RFC 3339 writes it."""
    east = MOMENT.astimezone(timezone(timedelta(hours=2)))
    facts = common_facts("k", issuer="i", root="r", signed_at=east)
    assert facts == {"signer": "k", "issuer": "i", "root": "r", "createdAt": "2026-06-01T12:00:00Z"}
    assert created_at(facts) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "",
        "2026-06-01",
        "2026-06-01T12:00:00",
        "2026-06-01 12:00:00Z",
        "yesterday",
        "2026-06-01T12:00:00Z" * 9,
    ],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    """Nothing is guessed: no offset, no time."""
    assert created_at({"createdAt": value}) is None
    assert created_at({}) is None
