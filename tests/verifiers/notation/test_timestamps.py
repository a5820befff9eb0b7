"""Timestamps of Notation signatures: of this signature, also where one of another was verified before."""

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.encoding import encode_base64
from pyratify.testing.certificates import authority
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe
from pyratify.testing.revocation import NOW
from pyratify.testing.timestamps import make_token, stamped_cose, stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import COSE_TYPE, TIMESTAMP
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from pyratify.verifiers.notation.verified_cache import TimestampCache
from support.notation_bench import FORMATS, LEAF, ROOT, found, judge

TSA_ROOT, OTHER_ROOT = authority("tsa root"), authority("other root")
TSA = timestamp_authority(TSA_ROOT)
ROOTS = (parse_certificate(TSA_ROOT.der),)


def verifier() -> NotationVerifier:
    """Return a verifier that wants every signature stamped."""
    policy = short_trust_policy(identities=("*",), stores=["ca:test", "tsa:test"], level="strict")
    stores = {StoreName("ca", "test"): (ROOT.material,), StoreName("tsa", "test"): (TSA_ROOT.material,)}
    return NotationVerifier("notation", policy, stores, FakeClock())


def test_a_remembered_timestamp_is_of_its_signature_alone() -> None:
    """The same token beside another signature, after it was verified for the right one."""
    cache, token = TimestampCache(), make_token(TSA, b"signature")
    good = cache.verify(token, b"signature", ROOTS, NOW)
    for _ in range(2):
        with pytest.raises(VerificationError, match="made for something else") as caught:
            cache.verify(token, b"another signature", ROOTS, NOW)
        assert caught.value.reason is Reason.TIMESTAMP_INVALID
    assert cache.verify(token, b"signature", ROOTS, NOW) is good


def test_a_remembered_timestamp_is_of_its_roots_alone() -> None:
    """Another policy's trust store is another question."""
    cache, token = TimestampCache(), make_token(TSA, b"signature")
    cache.verify(token, b"signature", ROOTS, NOW)
    for roots in ((), (parse_certificate(OTHER_ROOT.der),)):
        with pytest.raises(VerificationError, match="leads to no certificate"):
            cache.verify(token, b"signature", roots, NOW)


@pytest.mark.parametrize("media_type", FORMATS)
async def test_a_signature_with_a_timestamp_of_another_signature_is_refused(media_type: str) -> None:
    """A good token of a trusted authority, over other bytes; and the verifier has seen it before."""
    asked = verifier()
    edit = stamped_cose(TSA) if media_type == COSE_TYPE else stamped_jws(TSA)
    assert (await judge(Recipe(whole=edit), media_type, verifier=asked)).decision is Decision.ALLOW
    stolen = make_token(TSA, b"another signature")

    def unprotected(header: dict) -> dict:
        return header | {TIMESTAMP: stolen if media_type == COSE_TYPE else encode_base64(stolen)}

    result = await judge(Recipe(unprotected=unprotected), media_type, leaf=LEAF, verifier=asked)
    assert found(result).reason is Reason.TIMESTAMP_INVALID
