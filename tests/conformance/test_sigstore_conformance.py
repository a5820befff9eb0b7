"""sigstore-conformance, in process: each bundle twice, with the artifact and with its digest, refused for the right reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import RatifyError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.signed_content import Artifact
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy

REASONS = {
    "bundle-empty-certificate-chain_fail": Reason.CHAIN_UNTRUSTED,
    "bundle-from-wrong-instance_fail": Reason.CHAIN_UNTRUSTED,
    "bundle-invalid-base64-signature_fail": Reason.ENVELOPE_MALFORMED,
    "bundle-malformed-json_fail": Reason.JSON_INVALID,
    "bundle-negative-log-index_fail": Reason.ENVELOPE_MALFORMED,
    "bundle-unknown-version_fail": Reason.ENVELOPE_MALFORMED,
    "bundle-with-root-cert_fail": Reason.CHAIN_UNTRUSTED,
    "checkpoint-bad-keyhint_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "checkpoint-wrong-roothash_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "dsse-invalid-sig_fail": Reason.SIG_INVALID,
    "dsse-mismatch-envelope_fail": Reason.TLOG_ENTRY_MISMATCH,
    "dsse-mismatch-sig_fail": Reason.TLOG_ENTRY_MISMATCH,
    "inclusion-proof-corrupted-hash_fail": Reason.TLOG_PROOF_INVALID,
    "incorrect-public-key_fail": Reason.TLOG_PROOF_INVALID,
    "integrated-time-in-future_fail": Reason.TIME_OUTSIDE_VALIDITY,
    "intoto-expired-certificate_fail": Reason.TIME_OUTSIDE_VALIDITY,
    "intoto-log-entry-mismatch_fail": Reason.TLOG_ENTRY_MISMATCH,
    "intoto-missing-inclusion-proof_fail": Reason.TLOG_PROOF_INVALID,
    "intoto-set-outside-signing-cert-validity_fail": Reason.TIME_OUTSIDE_VALIDITY,
    "intoto-tsa-timestamp-outside-cert-validity_fail": Reason.TIME_OUTSIDE_VALIDITY,
    "invalid-checkpoint-signature_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "invalid-ct-key_fail": Reason.SCT_INVALID,
    "invalid-inclusion-proof_fail": Reason.TLOG_PROOF_INVALID,
    "managed-key-no-key_fail": Reason.SIGNER_KIND,
    # The key that is given there is no key: its base64 has left-over bits.
    "managed-key-wrong-key_fail": Reason.KEY_INVALID,
    "message-digest-mismatch_fail": Reason.SIG_INVALID,
    "rekor2-checkpoint-missing-log-signature_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "rekor2-checkpoint-missing-origin_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "rekor2-checkpoint-missing-root-hash_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "rekor2-checkpoint-missing-size_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "rekor2-checkpoint-no-matching-signature_fail": Reason.TLOG_CHECKPOINT_INVALID,
    "rekor2-dsse-invalid-sig_fail": Reason.SIG_INVALID,
    "rekor2-dsse-mismatch-envelope_fail": Reason.TLOG_ENTRY_MISMATCH,
    "rekor2-dsse-mismatch-sig_fail": Reason.TLOG_ENTRY_MISMATCH,
    "rekor2-no-inclusion-proof_fail": Reason.TLOG_PROOF_INVALID,
    "rekor2-no-timestamp_fail": Reason.TIME_SOURCE_MISSING,
    "rekor2-timestamp-outside-trust-root-tsa-validity_fail": Reason.TIMESTAMP_INVALID,
    "rekor2-timestamp-outside-tsa-cert-validity_fail": Reason.TIMESTAMP_INVALID,
    "rekor2-timestamp-payload-mismatch_fail": Reason.TIMESTAMP_INVALID,
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": Reason.TIMESTAMP_INVALID,
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail": Reason.TIMESTAMP_INVALID,
    "rekor2-timestamp-with-incorrect-time_fail": Reason.TIME_OUTSIDE_VALIDITY,
    "set-invalid-signature_fail": Reason.TLOG_PROOF_INVALID,
    "signature-mismatch_fail": Reason.SIG_INVALID,
    "trust-root-tlog-missing-validity-start_fail": Reason.TRUST_ROOT,
    "wrong-hashedrekord-artifact_fail": Reason.TLOG_ENTRY_MISMATCH,
    "wrong-hashedrekord-cert-and-sig_fail": Reason.TLOG_ENTRY_MISMATCH,
    "wrong-hashedrekord-entry_fail": Reason.TLOG_ENTRY_MISMATCH,
    "wrong-material_fail": Reason.SIG_INVALID,
}


class Case:
    """One case with the files it names."""

    def __init__(self, shared: Path, entry: dict[str, Any], defaults: dict[str, Any]) -> None:
        """Find the files."""
        assets = shared / "sigstore-conformance" / "assets" / "bundle-verify"
        self.folder, self.entry, self.defaults = assets / entry["name"], entry, defaults
        roots = shared / "sigstore-trusted-roots"
        own = entry["trusted_root"] == "own"
        self.root = (self.folder if own else roots / entry["trusted_root"]) / "trusted_root.json"
        self.artifact = self.folder / "artifact" if entry["artifact"] == "own" else assets / "a.txt"

    def text(self, name: str) -> str:
        """The expected identity or issuer."""
        file = self.folder / name
        return file.read_text().strip() if file.exists() else self.defaults[f"{name}_default"]

    def policy(self) -> CosignTrustPolicy:
        """What is trusted."""
        root = KeyMaterial(self.root.read_bytes(), self.root.name)
        if self.entry["key"]:
            key = KeyMaterial((self.folder / "key.pub").read_bytes(), "key.pub")
            return CosignTrustPolicy(keys=(key,), trusted_root=root)
        identity = CertificateIdentity(subject=self.text("identity"), issuer=self.text("issuer"))
        return CosignTrustPolicy(identities=(identity,), trusted_root=root)

    def verify(self, *, by_digest: bool) -> Reason | None:
        """Return why the bundle is refused; None where it is accepted."""
        artifact = Artifact.of(self.artifact.read_bytes())
        if by_digest:
            artifact = Artifact(None, artifact.digest)
        try:
            trusted = load_authenticator(self.policy(), SystemClock())
            verify_blob((self.folder / "bundle.sigstore.json").read_bytes(), artifact, trusted)
        except RatifyError as error:
            return error.reason
        return None


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[Case]:
    """All cases."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    return [Case(shared, entry, expected) for entry in expected["cases"]]


@pytest.mark.parametrize("by_digest", [False, True], ids=["file", "digest"])
def test_every_bundle_is_accepted_or_refused_as_it_should_be(cases: list[Case], by_digest: bool) -> None:
    """Of each name the verdict, and of each refusal the reason: 70 cases, two ways."""
    wrong = {}
    for case in cases:
        name = case.entry["name"]
        found, wanted = case.verify(by_digest=by_digest), None if case.entry["ok"] else REASONS[name]
        if found != wanted:
            wrong[name] = found
    assert len(cases) == 70
    assert not wrong


def test_the_expected_reasons_are_those_of_all_cases_that_fail(cases: list[Case]) -> None:
    """No case can be added or renamed without its reason."""
    assert {case.entry["name"] for case in cases if not case.entry["ok"]} == set(REASONS)
