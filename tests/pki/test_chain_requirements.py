"""Requirements of chains: each certificate is held to those of its place."""

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.chain import validate_chain
from pyratify.testing.certificates import Issued, authority, signer

ROOT = authority()


def reason(leaf: Issued) -> Reason:
    """Return why a chain is refused."""
    with pytest.raises(VerificationError) as caught:
        validate_chain(leaf.chain)
    return caught.value.reason


@pytest.mark.parametrize(
    "changes", [{"ca": False}, {"ca_critical": False}, {"usages": ("cRLSign",)}, {"usages": None}]
)
def test_an_issuer_between_leaf_and_root_is_an_authority(changes: dict) -> None:
    """As the root itself is."""
    assert validate_chain(signer(authority("middle", issuer=ROOT)).chain)
    assert reason(signer(authority("middle", issuer=ROOT, **changes))) is Reason.CHAIN_INVALID


@pytest.mark.parametrize(
    "usage", ["keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign"]
)
def test_a_leaf_signs_and_does_nothing_else(usage: str) -> None:
    """Each usage beside the digital signature is refused."""
    assert reason(signer(ROOT, usages=("digitalSignature", usage))) is Reason.CERT_KEY_USAGE
