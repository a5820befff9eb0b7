"""What the real verifiers say of the images that our own command is asked about: the ground under the other tests."""

import pytest

from interop import live

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("tag", live.EXPECTED)
def test_cosign_and_notation_say_what_the_table_says(repository: live.loopback.Repository, tag: str) -> None:
    """Each real verifier's verdict is the one that ours is held to."""
    verdicts = (
        live.signers.cosign_accepts(repository, tag),
        live.signers.notation_accepts(repository, tag),
    )
    assert verdicts == live.EXPECTED[tag]
