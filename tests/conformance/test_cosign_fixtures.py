"""Other projects' bundles, envelopes and keys: sigstore-conformance, grype, and a cosign 3 layout."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, InconclusiveError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import OCI_MANIFEST, parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.verifier import Details, Evidence
from pyratify.sigstore.bundle import parse_bundle
from pyratify.sigstore.media_types import BUNDLE
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

# Cases that fail before any certificate or log is looked at, and why.
UNREADABLE = {
    "bundle-empty-certificate-chain_fail": Reason.CHAIN_UNTRUSTED,
    "bundle-invalid-base64-signature_fail": Reason.ENVELOPE_MALFORMED,
    "bundle-malformed-json_fail": Reason.JSON_INVALID,
    "bundle-unknown-version_fail": Reason.ENVELOPE_MALFORMED,
    "intoto-missing-inclusion-proof_fail": Reason.TLOG_PROOF_INVALID,
    "rekor2-no-inclusion-proof_fail": Reason.TLOG_PROOF_INVALID,
}
SYFT = "https://syft.dev/bom"


async def verify(
    bundle: bytes, subject: Descriptor, key: bytes, artifact: bytes | None = None, **terms: Any
) -> Details:
    """Verify a bundle that is attached to a subject, whose bytes may be anything."""
    store = MemoryStore()
    if artifact is not None:
        store.manifests[subject.digest] = artifact
    data = make_manifest(artifact_type=BUNDLE, layers=[store.add_blob(bundle, BUNDLE)], subject=subject)
    manifest = parse_manifest(data, store.add_manifest(data))
    evidence = Evidence(
        Reference.parse(f"example.com/app@{subject.digest}"), subject, manifest, Content(store)
    )
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KeyMaterial(key, "key.pub"),), **terms)])
    return await verifier.verify(evidence)


def conformance(shared: Path) -> Path:
    """The folder of the cases."""
    return shared / "sigstore-conformance" / "assets" / "bundle-verify"


@pytest.mark.parametrize("case", ["managed-key-happy-path", "managed-key-and-trusted-root"])
async def test_bundles_of_managed_keys_verify_with_their_key_alone(shared: Path, case: str) -> None:
    """Message signatures over a file: here the file stands for the subject's manifest."""
    folder = conformance(shared)
    artifact = (folder / "a.txt").read_bytes()
    subject = Descriptor(OCI_MANIFEST, Digest.of(artifact), len(artifact))
    bundle = (folder / case / "bundle.sigstore.json").read_bytes()
    details = await verify(bundle, subject, (folder / case / "key.pub").read_bytes(), artifact)
    assert details.data["verifiedSignatures"][0]["notChecked"]["logEntries"] == 1
    with pytest.raises(VerificationError) as caught:
        await verify(bundle, subject, (shared / "grype/attestations/cosign.pub").read_bytes(), artifact)
    assert caught.value.reason is Reason.SIG_INVALID


async def test_the_wrong_managed_key_is_refused_as_a_key(shared: Path) -> None:
    """Its base64 has a left-over bit: no reader should guess what was meant."""
    folder = conformance(shared)
    artifact = (folder / "a.txt").read_bytes()
    subject = Descriptor(OCI_MANIFEST, Digest.of(artifact), len(artifact))
    case = folder / "managed-key-wrong-key_fail"
    with pytest.raises(InconclusiveError) as caught:
        await verify(
            (case / "bundle.sigstore.json").read_bytes(), subject, (case / "key.pub").read_bytes(), artifact
        )
    assert caught.value.reason is Reason.KEY_INVALID


async def test_keyless_bundles_are_refused_where_keys_are_trusted(shared: Path) -> None:
    """All that can be read at all carry certificates: none of them may pass."""
    folder = conformance(shared)
    artifact = (folder / "a.txt").read_bytes()
    subject = Descriptor(OCI_MANIFEST, Digest.of(artifact), len(artifact))
    key = (folder / "managed-key-happy-path" / "key.pub").read_bytes()
    found: dict[str, Reason] = {}
    for path in sorted(folder.glob("*/bundle.sigstore.json")):
        if not path.parent.name.startswith("managed-key"):
            with pytest.raises(VerificationError) as caught:
                await verify(path.read_bytes(), subject, key, artifact)
            found[path.parent.name] = caught.value.reason
    assert len(found) > 50
    assert {name: found[name] for name in UNREADABLE} == UNREADABLE
    assert {found[name] for name in found.keys() - UNREADABLE} <= {
        Reason.SIG_INVALID,
        Reason.ENVELOPE_MALFORMED,
    }


def test_every_bundle_that_should_verify_can_be_read(shared: Path) -> None:
    """Strict reading refuses nothing that real signers write."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    cases = [case["name"] for case in expected["cases"] if case["ok"]]
    assert len(cases) > 15
    for name in cases:
        parse_bundle((conformance(shared) / name / "bundle.sigstore.json").read_bytes())


async def test_a_keyless_attestation_of_cosign_3_is_no_signature_by_a_key(shared: Path) -> None:
    """The whole layout is real; its bundle has a certificate."""
    folder = shared / "derived" / "cosign-v3-oci-attestation-layout"
    index = json.loads((folder / "index.json").read_text())
    subject, artifact = (_descriptor(entry) for entry in index["manifests"])
    manifest = parse_manifest(_blob(folder, artifact), artifact)
    key = (shared / "grype" / "attestations" / "cosign.pub").read_bytes()
    with pytest.raises(VerificationError) as caught:
        await verify(_blob(folder, manifest.layers[0]), subject, key)
    assert caught.value.reason is Reason.SIG_INVALID


@pytest.mark.parametrize(
    ("envelope", "key", "reason"),
    [
        ("alpine.att.json", "cosign.pub", None),
        ("alpine-tampered.att.json", "cosign.pub", Reason.SIG_INVALID),
        ("alpine.att.json", "another_cosign.pub", Reason.SIG_INVALID),
    ],
)
async def test_an_envelope_that_cosign_signed_with_a_key_has_the_expected_verdict(
    shared: Path, envelope: str, key: str, reason: Reason | None
) -> None:
    """Grype's attestations, older than bundles: the envelope itself is put into one."""
    folder = shared / "grype" / "attestations"
    bundle = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {}},
        "dsseEnvelope": json.loads((folder / envelope).read_text()),
    }
    digest = Digest("sha256:6af1b11bbb17f4c311e269db6530e4da2738262af5fd9064ccdf109b765860fb")
    subject = Descriptor(OCI_MANIFEST, digest, 528)
    answer = verify(
        json.dumps(bundle).encode(), subject, (folder / key).read_bytes(), predicate_types=(SYFT,)
    )
    if reason is None:
        assert (await answer).data["verifiedSignatures"][0]["predicateType"] == SYFT
    else:
        with pytest.raises(VerificationError) as caught:
            await answer
        assert caught.value.reason is reason


async def test_a_damaged_key_file_is_refused(shared: Path) -> None:
    """Grype's broken key has wrong base64."""
    data = (shared / "grype" / "attestations" / "cosign_broken.pub").read_bytes()
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KeyMaterial(data, "broken"),))])
    with pytest.raises(ConfigurationError) as caught:
        await verifier.prepare()
    assert caught.value.reason is Reason.KEY_INVALID


async def test_ratifys_own_test_key_is_accepted(shared: Path) -> None:
    """Written by cosign."""
    data = (shared / "ratify" / "test-testdata" / "cosign.pub").read_bytes()
    await CosignVerifier("cosign", [CosignTrustPolicy(keys=(KeyMaterial(data, "cosign.pub"),))]).prepare()


def _descriptor(entry: Mapping[str, Any]) -> Descriptor:
    return Descriptor(entry["mediaType"], Digest(entry["digest"]), entry["size"])


def _blob(folder: Path, descriptor: Descriptor) -> bytes:
    return (folder / "blobs" / descriptor.digest.replace(":", "/")).read_bytes()
