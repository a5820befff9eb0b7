"""Until when a verified signature counts: the first end of what is valid now."""

from datetime import UTC, datetime, timedelta

import pytest

from pyratify.testing.certificates import END, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from support.notation_bench import FORMATS, MIDDLE, ROOT, details, judge

NOW = FakeClock().now()
DAY = timedelta(days=1)
SHORT = signer(MIDDLE, not_after=NOW + 3 * DAY)
SHORT_MIDDLE = signer(authority("short", issuer=ROOT, not_after=NOW + 2 * DAY), not_after=NOW + 3 * DAY)


@pytest.mark.parametrize("media_type", FORMATS)
async def test_a_signature_counts_until_it_expires(media_type: str) -> None:
    """What remembers a verdict forgets it then, though every certificate be valid for years."""
    recipe = Recipe(expiry=NOW + DAY)
    assert details(await judge(recipe, media_type)).valid_until == NOW + DAY


async def test_without_an_expiry_it_counts_as_long_as_its_certificates() -> None:
    """The first of them to end, wherever it stands in the chain."""
    assert details(await judge()).valid_until == END
    assert details(await judge(leaf=SHORT)).valid_until == NOW + 3 * DAY
    assert details(await judge(leaf=SHORT_MIDDLE)).valid_until == NOW + 2 * DAY


@pytest.mark.parametrize(("days", "end"), [(1, 1), (2, 2), (3, 3), (4, 3)])
async def test_the_earlier_of_expiry_and_certificate_counts(days: int, end: int) -> None:
    """Whichever that is."""
    recipe = Recipe(expiry=NOW + days * DAY)
    assert details(await judge(recipe, leaf=SHORT)).valid_until == NOW + end * DAY


async def test_an_end_that_is_over_was_judged_already() -> None:
    """A policy that only reports an expired signature is not asked again at every question because of it."""
    recipe = Recipe(signed_at=datetime(2026, 1, 1, tzinfo=UTC), expiry=NOW - DAY)
    result = details(await judge(recipe, leaf=SHORT, verifier=make_verifier(ROOT, level="audit")))
    assert result.data["checks"]["expiry"] == "failed"
    assert result.valid_until == NOW + 3 * DAY
