"""Files signed by notation itself, under its own trust policies for blobs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.pki.encoding import decode_base64
from pyratify.testing.fakes import FakeClock
from pyratify.verifiers.notation.blob_policy_document import parse_blob_policy
from pyratify.verifiers.notation.blob_signature import Blob, BlobVerifier, envelope_type
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_layouts import materials

SIGNED = FakeClock(time=datetime(2024, 12, 31, 12, tzinfo=UTC))
LATER = FakeClock(time=datetime(2026, 6, 1, tzinfo=UTC))


async def judge(
    shared: Path,
    name: str,
    clock: FakeClock,
    *,
    policy: str | None = None,
    file: str = "signed-artifact-LICENSE",
) -> Details:
    """Verify one of the signatures, trusting the certificate that the envelope in JWS holds."""
    folder = shared / "notation-e2e"
    blobs = folder / "blob-signatures"
    (anchor,) = json.loads((blobs / "blob.jws.sig").read_bytes())["header"]["x5c"]
    stores = {
        StoreName("ca", "e2e"): (KeyMaterial(decode_base64(anchor), "the signer's own"),),
        StoreName("tsa", "e2e"): materials([folder / "config" / "timestamp" / "globalsignTSARoot.cer"]),
    }
    document = parse_blob_policy((folder / "blob-trustpolicies" / "trustpolicy.blob.json").read_bytes())
    verifier = BlobVerifier("notation", document, stores, clock)
    data = (blobs / name).read_bytes()
    return await verifier.verify_blob(Blob(blobs / file), data, envelope_type(name, data), policy)


@pytest.mark.parametrize("policy", [None, "test-blob-statement", "test-blob-global-statement"])
async def test_a_file_signed_by_notation_is_trusted(shared: Path, policy: str | None) -> None:
    """While its certificate is valid, by the global statement or a named one."""
    assert (await judge(shared, "blob.jws.sig", SIGNED, policy=policy)).signers


@pytest.mark.parametrize(
    ("name", "clock", "policy", "file", "reason"),
    [
        ("blob.jws.sig", LATER, None, "signed-artifact-LICENSE", Reason.CERT_EXPIRED),
        ("blob.jws.sig", SIGNED, None, "blob.jws.sig", Reason.PAYLOAD_SUBJECT_MISMATCH),
        ("blob.jws.sig", SIGNED, "no-such", "signed-artifact-LICENSE", Reason.POLICY_NOT_FOUND),
        ("malformed.jws.sig", SIGNED, None, "signed-artifact-LICENSE", Reason.ENVELOPE_MALFORMED),
    ],
)
async def test_what_notation_refuses_is_refused(
    shared: Path, name: str, clock: FakeClock, policy: str | None, file: str, reason: Reason
) -> None:
    """For the reason that notation gives."""
    with pytest.raises(VerificationError) as error:
        await judge(shared, name, clock, policy=policy, file=file)
    assert error.value.reason is reason


async def test_the_envelope_in_cose_is_read_as_well(shared: Path) -> None:
    """It is another signer's, which is not trusted here."""
    with pytest.raises(VerificationError) as error:
        await judge(shared, "blob.cose.sig", SIGNED)
    assert error.value.reason is Reason.CHAIN_UNTRUSTED
