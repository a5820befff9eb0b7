"""Exceptions for some reasons only: all that is said against an image has to be among them."""

from datetime import timedelta

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.testing.fakes import FakeClock
from support.webhooks import BARE, asked, message, pod, rules, store, webhook

NAMED = """
rules: [{name: strict, requireDigest: RD}]
exceptions:
  - {name: legacy, namespaces: [team], images: [example.com/app], until: "2026-06-02T00:00:00Z",
     reason: until it is signed, approvedBy: sec, codes: [CODES]}
"""
APP = Reference.parse("example.com/app:v1")
NONE, TAG, TIME = Reason.NO_EVIDENCE, Reason.TAG_NOT_PINNED, Reason.TIMEOUT


def text(*codes: Reason, digest: bool = False) -> str:
    """Return rules with an exception for these reasons."""
    return NAMED.replace("CODES", ", ".join(codes)).replace("RD", str(digest).lower())


@pytest.mark.parametrize(
    ("codes", "said", "excepted"),
    [
        ((NONE,), (NONE,), True),
        ((NONE,), (NONE, NONE), True),
        ((NONE,), (TAG,), False),
        ((NONE,), (NONE, TAG), False),
        ((NONE,), (TAG, NONE), False),
        ((NONE, TAG), (TAG, NONE), True),
        ((NONE, TAG), (TAG,), True),
        ((NONE, TAG), (TAG, TIME), False),
        ((), (TAG, TIME), True),
    ],
)
def test_an_exception_for_some_reasons_covers_no_mixture(
    codes: tuple[Reason, ...], said: tuple[Reason, ...], excepted: bool
) -> None:
    """One reason that it does not name is one that it does not except from; without any it excepts from all."""
    clock = FakeClock()
    found = rules(text(*codes), clock).exemption("team", APP, said, clock.now())
    assert (found is not None) is excepted


PIN = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "named", [f"example.com/app@{PIN}", f"example.com/app:v1@{PIN}", f"example.com/app:v2@{PIN}"]
)
def test_a_pinned_image_is_excepted_by_its_digest(named: str) -> None:
    """Whatever tag stands before the digest, in the exception and in the object; no other digest, and no bare tag."""
    clock = FakeClock()
    found = rules(text().replace("[example.com/app]", f"['{named}']"), clock)

    def excepted(image: str) -> bool:
        return found.exemption("team", Reference.parse(image), (NONE,), clock.now()) is not None

    assert excepted(f"example.com/app@{PIN}")
    assert excepted(f"example.com/app:v1@{PIN}")
    assert not excepted(f"example.com/app@sha256:{'b' * 64}")
    assert not excepted(f"example.com/other@{PIN}")
    assert not excepted("example.com/app:v1")


def test_an_exception_lasts_a_year_at_most() -> None:
    """366 days from the time of reading, and not a second more."""
    clock = FakeClock()
    for seconds, good in ((0, True), (1, False)):
        end = clock.now() + timedelta(days=366, seconds=seconds)
        written = text().replace("2026-06-02T00:00:00Z", f"{end:%Y-%m-%dT%H:%M:%SZ}")
        if good:
            assert rules(written, clock)
            continue
        with pytest.raises(ConfigurationError, match="ends within 366 days"):
            rules(written, clock)


async def test_an_image_with_two_problems_is_not_excepted_from_one_of_them() -> None:
    """Without evidence and named by a tag, with exceptions for either reason; both together are excepted."""
    for codes in ((NONE,), (TAG,)):
        said = await message(webhook(store(), text=text(*codes, digest=True)), pod(BARE))
        assert "NO_EVIDENCE" in said
        assert "TAG_NOT_PINNED" in said
    response = await asked(webhook(store(), text=text(NONE, TAG, digest=True)), pod(BARE))
    assert response["allowed"] is True
