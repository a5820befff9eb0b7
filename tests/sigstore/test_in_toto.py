"""In-toto statements: about the subject by the digest of its own algorithm, and of bounded size."""

import json
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.in_toto import STATEMENT_TYPES, read_statement
from pyratify.testing.cosign import SIGN_PREDICATE, attach_bundle, sign_statement, statement
from pyratify.verifiers.cosign.check_claim import check_claim
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.simple_signing_payload import read_simple_signing
from support.cosign_setting import KEY, Setting, is_denied, passed

SUBJECT = Digest.of(b"image")
LONG = Digest.of(b"image", "sha512")


def payload(*subjects: Any) -> bytes:
    """Return a statement about these subjects."""
    return json.dumps(
        {"_type": STATEMENT_TYPES[0], "subject": subjects, "predicateType": SIGN_PREDICATE, "predicate": {}}
    ).encode()


def refusal(*subjects: Any, subject: Digest = SUBJECT) -> tuple[Reason, str]:
    """Return why a statement is refused."""
    with pytest.raises(VerificationError) as caught:
        read_statement(payload(*subjects), subject)
    return caught.value.reason, caught.value.message


@pytest.mark.parametrize("subject", [SUBJECT, LONG], ids=["sha256", "sha512"])
def test_a_statement_is_about_the_subject_by_its_own_digest(subject: Digest) -> None:
    """Beside digests of other algorithms, and beside other subjects."""
    own = {"digest": {"sha1": "00", subject.algorithm: subject.hex, "gitCommit": "00"}}
    assert (
        read_statement(payload({"digest": {"sha256": "00"}}, own), subject).predicate_type == SIGN_PREDICATE
    )


OTHERS: dict[str, dict[str, Any]] = {
    "as-sha512": {"sha512": SUBJECT.hex},
    "as-sha1": {"sha1": SUBJECT.hex},
    "as-git-commit": {"gitCommit": SUBJECT.hex},
    "as-upper-case": {"SHA256": SUBJECT.hex},
    "with-hyphen": {"sha-256": SUBJECT.hex},
    "beside-another": {"sha256": Digest.of(b"another").hex, "sha512": SUBJECT.hex},
    "before-another": {"sha512": SUBJECT.hex, "sha256": Digest.of(b"another").hex},
    "whole-digest": {"sha256": str(SUBJECT)},
    "upper-case": {"sha256": SUBJECT.hex.upper()},
    "longer": {"sha256": f"{SUBJECT.hex}00"},
    "list": {"sha256": [SUBJECT.hex]},
    "of-other-algorithm": {"sha512": LONG.hex},
}


@pytest.mark.parametrize("digest", OTHERS.values(), ids=OTHERS)
def test_the_digest_under_another_algorithm_s_name_says_nothing(digest: dict[str, Any]) -> None:
    """A verifier that looks at values alone takes a text that means something else, such as a commit, for the image."""
    reason, message = refusal({"digest": digest})
    assert reason is Reason.PAYLOAD_SUBJECT_MISMATCH
    assert str(SUBJECT) in message


async def test_a_signed_statement_with_the_digest_under_another_name_is_refused() -> None:
    """By a trusted key, attached to the very image."""
    setting = Setting()
    good = statement(setting.image.digest)
    other = good | {"subject": [{"digest": {"sha512": setting.image.digest.hex}}]}
    attach_bundle(setting.store, setting.image, sign_statement(KEY, other))
    assert is_denied(await setting.validate(), Reason.PAYLOAD_SUBJECT_MISMATCH)
    attach_bundle(setting.store, setting.image, sign_statement(KEY, good))
    assert (await setting.validate()).succeeded


def test_the_subjects_and_digests_of_a_statement_are_bounded() -> None:
    """1024 subjects with 32 digests each are read, and not one more."""
    own, other = {"digest": {"sha256": SUBJECT.hex}}, {"digest": {"sha256": "00"}}
    assert read_statement(payload(*[other] * 1023, own), SUBJECT)
    assert refusal(*[other] * 1024, own)[0] is Reason.PARSE_LIMIT
    many = {f"alg{number}": "00" for number in range(31)}
    assert read_statement(payload({"digest": many | own["digest"]}), SUBJECT)
    assert refusal({"digest": many | {"one more": "00"} | own["digest"]})[0] is Reason.PARSE_LIMIT


@pytest.mark.parametrize(
    "subject", [None, {}, {"digest": {}}, {"digest": None}, {"digest": []}, [], "sha256"]
)
def test_a_subject_without_a_digest_makes_a_statement_unusable(subject: Any) -> None:
    """Also beside the good one."""
    assert refusal({"digest": {"sha256": SUBJECT.hex}}, subject)[0] is Reason.ENVELOPE_MALFORMED


def test_a_contradiction_is_named_with_both_digests() -> None:
    """Beside a good mention, too; what the image's digest by that algorithm is, is said."""
    wrong = {"digest": {"sha256": SUBJECT.hex, "sha512": "0" * 128}}
    with pytest.raises(VerificationError) as caught:
        read_statement(payload({"digest": {"sha256": SUBJECT.hex}}, wrong), Artifact.of(b"image"))
    assert caught.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH
    assert f"sha512:{'0' * 128}, not {LONG}" in caught.value.message


def test_annotations_are_those_of_the_subject_s_own_mentions() -> None:
    """What is said of another subject is not said of this one."""
    own = {"digest": {"sha256": SUBJECT.hex}, "annotations": {"a": "1"}}
    other = {"digest": {"sha256": "00"}, "annotations": {"b": "2"}}
    assert read_statement(payload(other, own), SUBJECT).annotations == ({"a": "1"},)


async def test_what_the_refusals_start_from_is_good() -> None:
    """A statement as cosign makes it."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


APP = Reference.parse(f"example.com/app@{SUBJECT}")


def simple(identity: dict[str, Any] | None = None, /, **members: Any) -> bytes:
    """Return a payload of simple signing that names no repository, with other members."""
    image = {"docker-manifest-digest": str(SUBJECT)}
    critical = {"identity": identity or {}, "image": image, "type": "cosign container image signature"}
    return json.dumps({"critical": critical | members, "optional": {"team": "blue"}}).encode()


def claimed(claim: Claim, **terms: Any) -> Reason | None:
    """Return why a claim does not fit a policy; None where it does."""
    try:
        check_claim(claim, CosignTrustPolicy(keys=(KEY.material,), **terms), APP)
    except VerificationError as error:
        return error.reason
    return None


def test_simple_signing_says_digest_repository_and_annotations() -> None:
    """The repository may be missing, and then none is named."""
    found = read_simple_signing(simple(), SUBJECT)
    assert (found.docker_reference, found.annotations, found.predicate_type) == (
        "",
        ({"team": "blue"},),
        None,
    )
    named = read_simple_signing(simple({"docker-reference": "example.com/app"}), SUBJECT)
    assert named.docker_reference == "example.com/app"


@pytest.mark.parametrize(
    "members",
    [
        {"type": "atomic container signature"},
        {"type": None},
        {"image": {}},
        {"image": {"docker-manifest-digest": ""}},
        {"image": {"docker-manifest-digest": [str(SUBJECT)]}},
        {"image": {"docker-manifest-digest": str(SUBJECT), "more": 1}},
        {"identity": {"docker-reference": 1}},
        {"identity": []},
        {"more": 1},
    ],
)
def test_what_is_no_simple_signing_is_refused(members: dict[str, Any]) -> None:
    """Another type, a member too many, or one of another type."""
    with pytest.raises(VerificationError) as caught:
        read_simple_signing(simple(**members), SUBJECT)
    assert caught.value.reason is Reason.PAYLOAD_TYPE


@pytest.mark.parametrize("digest", [str(LONG), SUBJECT.hex, f"{SUBJECT} ", str(SUBJECT).upper(), "sha256:"])
def test_simple_signing_of_another_digest_is_of_another_image(digest: str) -> None:
    """Compared whole."""
    with pytest.raises(VerificationError) as caught:
        read_simple_signing(simple(image={"docker-manifest-digest": digest}), SUBJECT)
    assert caught.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("example.com/app", True),
        (f"example.com/app@{SUBJECT}", True),
        (f"example.com/app@{Digest.of(b'another')}", False),
        ("example.com/app2", False),
        ("example.com/team/app", False),
        ("other.example.com/app", False),
        ("app", False),
        ("Not A Name", False),
        ("", False),
    ],
)
def test_a_repository_that_is_asked_for_is_the_one_that_was_signed(name: str, fits: bool) -> None:
    """Where the policy requires it; else what the signer writes there means nothing."""
    claim = Claim(docker_reference=name)
    assert claimed(claim, require_docker_reference=True) is (None if fits else Reason.IDENTITY_MISMATCH)
    assert claimed(claim) is None


@pytest.mark.parametrize(
    ("annotations", "fits"),
    [
        (({"team": "blue", "env": "prod"},), True),
        (({"team": "blue", "env": "prod", "more": "x"},), True),
        (({"other": "x"}, {"team": "blue", "env": "prod"}), True),
        (({"team": "blue"}, {"env": "prod"}), False),
        (({"team": "blue", "env": "test"},), False),
        (({"team": "blue"},), False),
        (({},), False),
        ((), False),
    ],
)
def test_all_annotations_are_signed_in_one_place(annotations: tuple[dict[str, str], ...], fits: bool) -> None:
    """Two mentions of the subject do not add up."""
    claim = Claim(annotations)
    assert claimed(claim, annotations={"team": "blue", "env": "prod"}) is (
        None if fits else Reason.METADATA_MISMATCH
    )
    assert claimed(claim) is None


def test_a_statement_counts_by_its_predicate() -> None:
    """An attestation is no signature unless the policy names its type."""
    sbom = Claim(predicate_type="https://spdx.dev/Document")
    assert claimed(sbom) is Reason.PAYLOAD_TYPE
    assert claimed(sbom, predicate_types=("https://spdx.dev/Document",)) is None
    assert (
        claimed(Claim(predicate_type=""), predicate_types=("https://spdx.dev/Document",))
        is Reason.PAYLOAD_TYPE
    )
    assert claimed(Claim(predicate_type=SIGN_PREDICATE)) is None


def test_an_artifact_is_hashed_once_for_all_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release has many files, and each of them may be large."""
    artifact, hashed, of = Artifact.of(b"a file"), list[str](), Digest.of

    def counted(data: bytes, algorithm: str = "sha256") -> Digest:
        hashed.append(algorithm)
        return of(data, algorithm)

    digests = {name: of(b"another", name).hex for name in ("sha256", "sha512")}
    subjects = [{"name": str(number), "digest": digests} for number in range(100)]
    own = {"name": "a", "digest": {"sha512": of(b"a file", "sha512").hex}}
    document = {**statement(artifact.digest), "subject": [*subjects, own]}
    monkeypatch.setattr(Digest, "of", counted)
    assert len(read_statement(json.dumps(document).encode(), artifact).annotations) == 1
    assert hashed == ["sha512"]


def test_a_good_mention_does_not_outweigh_one_that_contradicts_itself() -> None:
    """One mention has the artifact's SHA-256 and another SHA-512: the statement is about two artifacts at once."""
    artifact = Artifact.of(b"image")
    good = {"name": "a", "digest": {"sha256": SUBJECT.hex}}
    wrong = {"name": "b", "digest": {"sha256": SUBJECT.hex, "sha512": "0" * 128}}
    other = {"name": "c", "digest": {"sha256": "0" * 64, "sha512": "0" * 128}}
    assert read_statement(payload(other, good), artifact)
    with pytest.raises(VerificationError) as refused:
        read_statement(payload(good, wrong), artifact)
    assert refused.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH
