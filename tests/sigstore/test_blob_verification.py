"""Bundles beside files: which digests bind a statement, and which types of statement count."""

import json
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.predicate_types import SHORT_NAMES
from pyratify.testing.cosign import sign_message, sign_statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from support.cosign_setting import KEY
from support.file_bundles import FILE, PROVENANCE, about, digests

SIGSTORE, GITHUB = PrivateSigstore(), PrivateSigstore("github")
LOGGED = Signing(log=1)


def verify(bundle: dict[str, Any], artifact: Artifact | None = None, **how: Any) -> Details:
    """Verify a bundle by the key."""
    trusted = load_authenticator(CosignTrustPolicy(keys=(KEY.material,)), FakeClock())
    return verify_blob(json.dumps(bundle).encode(), artifact or Artifact.of(FILE), trusted, **how)


def refused(bundle: dict[str, Any], artifact: Artifact | None = None, **how: Any) -> VerificationError:
    """Return why a bundle is refused."""
    with pytest.raises(VerificationError) as caught:
        verify(bundle, artifact, **how)
    return caught.value


@pytest.mark.parametrize(
    "algorithms", [("sha256",), ("sha384",), ("sha512",), ("sha1", "sha512"), ("sha256", "sha512")]
)
def test_a_statement_names_the_file_by_each_algorithm(algorithms: tuple[str, ...]) -> None:
    """Every npm provenance has SHA-512 alone; with the file at hand all are known."""
    assert verify(sign_statement(KEY, about(digests(*algorithms)))).data["predicateType"] == PROVENANCE


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_digest_stands_for_the_file(algorithm: str) -> None:
    """Of whichever algorithm, where the statement or the signature is by the same one."""
    text = f"{algorithm}:{digests(algorithm)[algorithm]}"
    artifact = Artifact.of_digest(text)
    assert artifact == Artifact(None, Digest(text))
    assert verify(sign_statement(KEY, about(digests(algorithm, "sha1"))), artifact)


@pytest.mark.parametrize(
    "subject",
    [
        digests("sha512", data=b"another"),
        {**digests("sha256"), **digests("sha512", data=b"another")},
        {**digests("sha512"), "sha384": ""},
        {"sha512": digests("sha512")["sha512"].upper()},
        {"sha512": 1},
        digests("sha1", "md5"),
        {"gitCommit": "0" * 40},
    ],
)
def test_digests_that_do_not_agree_bind_nothing(subject: dict[str, str]) -> None:
    """One that differs is enough, whatever the others say, and weak ones never bind."""
    error = refused(sign_statement(KEY, about(subject)))
    assert error.reason is Reason.PAYLOAD_SUBJECT_MISMATCH


def test_one_of_several_subjects_is_enough() -> None:
    """As a release with many files has."""
    other = digests("sha512", data=b"another")
    assert verify(sign_statement(KEY, about(other, digests("sha512"))))


def test_a_refusal_says_which_digests_differ_or_what_is_missing() -> None:
    """Both values, or the algorithm by which the file has to be given."""
    other = digests("sha512", data=b"another")
    error = refused(sign_statement(KEY, about(other)))
    assert f"about sha512:{other['sha512']}, not about {Digest.of(FILE)}" in error.message
    error = refused(sign_statement(KEY, about(digests("sha512"))), Artifact(None, Digest.of(FILE)))
    assert f"names its subjects by sha512, and of the artifact {Digest.of(FILE)} is known" in error.message
    assert "sha512:HEX" in error.remedy
    error = refused(sign_statement(KEY, about(digests("sha1"))))
    assert "names its subjects by sha1" in error.message


@pytest.mark.parametrize("kind", ["", PROVENANCE])
def test_a_statement_of_the_type_that_is_asked_for_counts(kind: str) -> None:
    """And of every type where none is asked for."""
    bundle = sign_statement(KEY, about(digests("sha256")))
    assert verify(bundle, predicate_type=kind).data["predicateType"] == PROVENANCE


def test_another_type_is_refused() -> None:
    """Also a signature of the file itself, which is no statement."""
    error = refused(sign_statement(KEY, about(digests("sha256"))), predicate_type=SHORT_NAMES["vuln"])
    assert error.reason is Reason.PREDICATE_TYPE
    assert f"a statement of type {PROVENANCE!r}, not one of type {SHORT_NAMES['vuln']!r}" in error.message
    error = refused(sign_message(KEY, FILE), predicate_type=PROVENANCE)
    assert error.reason is Reason.PAYLOAD_TYPE
    assert "the signature is over no statement" in error.message
