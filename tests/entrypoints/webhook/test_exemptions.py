"""Exceptions for some reasons only: all that is said against an image has to be among them."""

import pytest

from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.testing.fakes import FakeClock
from webhooks import BARE, asked, message, pod, rules, store, webhook

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


async def test_an_image_with_two_problems_is_not_excepted_from_one_of_them() -> None:
    """Without evidence and named by a tag, with exceptions for either reason; both together are excepted."""
    for codes in ((NONE,), (TAG,)):
        said = await message(webhook(store(), text=text(*codes, digest=True)), pod(BARE))
        assert "NO_EVIDENCE" in said
        assert "TAG_NOT_PINNED" in said
    response = await asked(webhook(store(), text=text(NONE, TAG, digest=True)), pod(BARE))
    assert response["allowed"] is True
