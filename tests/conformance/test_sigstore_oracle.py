"""sigstore-python as an oracle: the same verdicts over sigstore-conformance, save for what it says itself that it cannot do."""

import json
from pathlib import Path
from typing import Any

import pytest
from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.common.v1 import HashAlgorithm

from conformance.test_sigstore_conformance import Case

# Good bundles that it refuses, and why; each in both ways, with the artifact and with its digest: 8 of 140.
REFUSED = {
    "managed-key-happy-path": "it knows no keys",
    "managed-key-and-trusted-root": "it knows no keys",
    "intoto-with-custom-trust-root": "it takes no time from an entry of the kind intoto 0.0.2",
    "trust-root-tsa-validity-end-inclusive": "the last moment of a period does not belong to it",
}


def oracle(case: Case, *, by_digest: bool) -> bool:
    """Whether sigstore-python accepts a case, asked as its own command asks."""
    if case.entry["key"]:
        return False  # there is no way to tell it a key
    data = case.artifact.read_bytes()
    policy = Identity(identity=case.text("identity"), issuer=case.text("issuer"))
    try:
        bundle = Bundle.from_json((case.folder / "bundle.sigstore.json").read_bytes())
        verifier = Verifier(trusted_root=TrustedRoot.from_file(str(case.root)))
        _verify(verifier, bundle, _hashed(data) if by_digest else data, policy)
    except (Error, ValueError):
        return False
    return True


def _verify(verifier: Verifier, bundle: Bundle, artifact: Any, policy: Identity) -> None:
    if "dsseEnvelope" not in json.loads(bundle.to_json()):
        verifier.verify_artifact(artifact, bundle, policy)
        return
    _, payload = verifier.verify_dsse(bundle, policy)
    hashed = artifact if isinstance(artifact, Hashed) else _hashed(artifact)
    subjects = json.loads(payload)["subject"]
    if not any(subject["digest"].get("sha256") == hashed.digest.hex() for subject in subjects):
        raise ValueError("the statement is about another artifact")


def _hashed(data: bytes) -> Hashed:
    import hashlib

    return Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256(data).digest())


@pytest.mark.parametrize("by_digest", [False, True], ids=["file", "digest"])
def test_sigstore_python_says_the_same(shared: Path, by_digest: bool) -> None:
    """Of every case but those that it is known to refuse; there is none that it alone accepts."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    cases = [Case(shared, entry, expected) for entry in expected["cases"]]
    theirs = {case.entry["name"] for case in cases if oracle(case, by_digest=by_digest)}
    ours = {case.entry["name"] for case in cases if case.verify(by_digest=by_digest) is None}
    assert len(cases) == 70
    assert theirs - ours == set()
    assert ours - theirs == set(REFUSED)
