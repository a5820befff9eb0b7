"""In-toto statements: about the subject by the digest of its own algorithm, and of bounded size."""

import json
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.testing.cosign import SIGN_PREDICATE, attach_bundle, sign_statement, statement
from pyratify.verifiers.cosign.payload import STATEMENT_TYPES, read_statement
from verifiers.cosign.setting import KEY, Setting, is_denied, passed

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
