"""Bundles beside files: which digests bind a statement, which kinds count, and under which trusted root."""

import hashlib
import json
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.media_types import BUNDLE_TYPES
from pyratify.sigstore.predicate_types import SHORT_NAMES, predicate_type
from pyratify.testing.cosign import sign_message, sign_statement, statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import SIGNED_AT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from support.cosign_setting import KEY

FILE = b"a package"
PROVENANCE = "https://slsa.dev/provenance/v1"
SIGSTORE, GITHUB = PrivateSigstore(), PrivateSigstore("github")
LOGGED = Signing(log=1)


def digests(*algorithms: str, data: bytes = FILE) -> dict[str, str]:
    """Return the digests of the file."""
    return {name: hashlib.new(name, data).hexdigest() for name in algorithms}


def about(*subjects: dict[str, str], kind: str = PROVENANCE) -> dict[str, Any]:
    """Return a statement about subjects with these digests."""
    return {
        **statement(Digest.of(FILE), predicate_type=kind),
        "subject": [{"name": "pkg:npm/a@1", "digest": each} for each in subjects],
    }


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
    "text", ["sha512:00", "sha256:" + "A" * 64, "sha1:" + "a" * 40, "md5:x", "a.txt", ""]
)
def test_what_is_no_digest_is_none(text: str) -> None:
    """Lower-case hexadecimal of the algorithm's length."""
    assert Artifact.of_digest(text) is None


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
    assert error.reason is Reason.PAYLOAD_TYPE
    assert f"a statement of type {PROVENANCE!r}, not one of type {SHORT_NAMES['vuln']!r}" in error.message
    error = refused(sign_message(KEY, FILE), predicate_type=PROVENANCE)
    assert error.reason is Reason.PAYLOAD_TYPE
    assert "the signature is over no statement" in error.message


def test_types_have_cosigns_short_names() -> None:
    """Or are URIs; a misspelt name never asks for something that no statement has."""
    assert predicate_type("slsaprovenance1") == PROVENANCE
    assert predicate_type("https://example.com/x") == "https://example.com/x"
    for text in ("slsaprovenance9", "", "a b:c", "x:\n"):
        with pytest.raises(ValueError, match="neither a predicate type"):
            predicate_type(text)


def identity(root: KeyMaterial, **terms: Any) -> CosignTrustPolicy:
    """Trust the identity under a root."""
    terms = {"certificate_logs": 0, **terms}
    return CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=root, **terms)


def judge(bundle: dict[str, Any], policy: CosignTrustPolicy) -> Reason | None:
    """Return why a bundle for the file is refused by a policy; None where it is accepted."""
    try:
        trusted = load_authenticator(policy, FakeClock(SIGNED_AT))
        verify_blob(json.dumps(bundle).encode(), Artifact.of(FILE), trusted)
    except (VerificationError, ConfigurationError) as error:
        return error.reason
    return None


def lines(*roots: KeyMaterial, joint: bytes = b"\n") -> KeyMaterial:
    """Return a file with one root a line."""
    return KeyMaterial(joint.join(root.data for root in roots), "trusted_root.jsonl")


class TestRoots:
    """A file with one trusted root in each line."""

    @pytest.mark.parametrize("joint", [b"\n", b"\r\n", b"\n\n"])
    def test_each_root_verifies_its_own_signatures(self, joint: bytes) -> None:
        """As `gh attestation trusted-root` prints them: the public instance and GitHub's own."""
        both = lines(SIGSTORE.root, GITHUB.root, joint=joint)
        for sigstore in (SIGSTORE, GITHUB):
            bundle = sigstore.sign_message(FILE, LOGGED)
            assert judge(bundle, identity(both)) is None
        stranger = PrivateSigstore("stranger").sign_message(FILE, LOGGED)
        assert judge(stranger, identity(both)) is Reason.CHAIN_UNTRUSTED

    def test_parts_of_several_roots_make_none(self) -> None:
        """A certificate of one instance with the log of another is no signature of either."""
        one = SIGSTORE.root_with(tlogs=GITHUB.root_document()["tlogs"])
        two = GITHUB.root_with(tlogs=SIGSTORE.root_document()["tlogs"])
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(lines(one, two))) not in (None, Reason.CHAIN_UNTRUSTED)
        assert judge(bundle, identity(lines(one, two, SIGSTORE.root))) is None

    def test_a_key_is_held_against_each_root_too(self) -> None:
        """The proofs of its signature may be of any of the instances."""
        bundle = GITHUB.sign_message(FILE, Signing(log=1, key=KEY))
        policy = CosignTrustPolicy(
            keys=(KEY.material,), trusted_root=lines(SIGSTORE.root, GITHUB.root), certificate_logs=0
        )
        assert judge(bundle, policy) is None

    @pytest.mark.parametrize(
        "data",
        [
            SIGSTORE.root.data + b"\n{}",
            SIGSTORE.root.data + b"\nx",
            b"\n".join([SIGSTORE.root.data] * 17),
            SIGSTORE.root.data + SIGSTORE.root.data,
        ],
    )
    def test_atk_268_one_line_that_is_no_root_makes_the_file_unusable(self, data: bytes) -> None:
        """Never a smaller set of roots; and more than sixteen are refused."""
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(KeyMaterial(data, "roots.jsonl"))) is Reason.TRUST_ROOT

    def test_a_root_in_several_lines_is_one_root(self) -> None:
        """As people print it."""
        pretty = json.dumps(SIGSTORE.root_document(), indent=2).encode()
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(KeyMaterial(pretty, "root.json"))) is None


class TestChains:
    """Roots in the chains of old bundles."""

    CHAIN = SIGSTORE.intermediate.chain

    def bundle(self, *issuers: bytes, version: int = 0) -> dict[str, Any]:
        """Return a bundle with the signer's certificate and these issuers."""
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        material = bundle["verificationMaterial"]
        ders = [material.pop("certificate")["rawBytes"], *map(encode_base64, issuers)]
        material["x509CertificateChain"] = {"certificates": [{"rawBytes": each} for each in ders]}
        return {**bundle, "mediaType": BUNDLE_TYPES[version]}

    def test_a_root_at_the_end_of_a_whole_chain_is_ignored(self) -> None:
        """In version 0.1, as npm wrote it; it makes nothing trusted."""
        assert judge(self.bundle(*self.CHAIN), identity(SIGSTORE.root)) is None
        assert judge(self.bundle(*self.CHAIN), identity(GITHUB.root)) is Reason.CHAIN_UNTRUSTED

    @pytest.mark.parametrize("version", [0, 1])
    def test_a_chain_without_a_root_counts(self, version: int) -> None:
        """The signer's certificate and its issuer."""
        assert judge(self.bundle(self.CHAIN[0], version=version), identity(SIGSTORE.root)) is None

    def test_another_root_is_refused(self) -> None:
        """In version 0.2, out of order, twice, of strangers, or without what leads to it."""
        intermediate, root = self.CHAIN
        odd = [(root, intermediate), (root,), (intermediate, root, root), (*GITHUB.intermediate.chain,)]
        for issuers in odd:
            assert judge(self.bundle(*issuers), identity(SIGSTORE.root)) is Reason.CHAIN_UNTRUSTED
        late = self.bundle(*self.CHAIN, version=1)
        assert judge(late, identity(SIGSTORE.root)) is Reason.CHAIN_UNTRUSTED
