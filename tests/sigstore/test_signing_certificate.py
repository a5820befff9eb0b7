"""What a signing certificate has to be, before its identity is compared."""

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.chain import TIMESTAMPING
from pyratify.sigstore.fulcio import read_signer
from pyratify.sigstore.signing_certificate import read_leaf
from pyratify.testing.certificates import CODE_SIGNING, Issued, authority, signer

ROOT = authority("certificates")


@pytest.mark.parametrize("extended", [(CODE_SIGNING,), (CODE_SIGNING, "1.2.3.4")])
def test_a_certificate_for_code_signing_is_read(extended: tuple[str, ...]) -> None:
    """Another purpose beside it does no harm."""
    leaf = signer(ROOT, extended=extended)
    assert read_leaf(leaf.der).der == leaf.der


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        (signer(ROOT, extended=None), Reason.CERT_KEY_USAGE),
        (signer(ROOT, extended=(TIMESTAMPING,)), Reason.CERT_KEY_USAGE),
        (signer(ROOT, extended=("1.2.3.4",)), Reason.CERT_KEY_USAGE),
        (signer(ROOT, usages=("keyAgreement",)), Reason.CERT_KEY_USAGE),
        (signer(ROOT, extra=(("1.2.3.4", True, b"\x05\x00"),)), Reason.CERT_CRITICAL_EXT),
        (signer(ROOT, kind="k256"), Reason.CERT_WEAK),
        (ROOT, Reason.CHAIN_INVALID),
    ],
    ids=["no-purpose", "timestamps", "other-purpose", "other-usage", "critical", "other-curve", "authority"],
)
def test_any_other_certificate_is_refused(leaf: Issued, reason: Reason) -> None:
    """Each for its reason."""
    with pytest.raises(VerificationError) as caught:
        read_leaf(leaf.der)
    assert caught.value.reason is reason


def test_a_certificate_without_a_name_identifies_no_signer() -> None:
    """There is nothing that a policy could compare."""
    with pytest.raises(VerificationError, match="no subject alternative name") as caught:
        read_signer(read_leaf(signer(ROOT).der))
    assert caught.value.reason is Reason.IDENTITY_MISMATCH
