"""What expressions and policies in Rego see of a decision: every member of the documentation, and no other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.policy import Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.policies.policy_values import VARIABLES, artifact_values, subject_values, unseen
from pyratify.policies.rego_contract import Contract, RegoInput
from support.policy_reports import failed, inconclusive, passed, report, unread

DIGEST = Digest.of(b"image")
NOW = datetime(2026, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC)
SUBJECT = Subject(
    Reference.parse("example.com/team/app:v1"), Descriptor(OCI_MANIFEST, DIGEST, 5), "space", NOW
)
TYPES = {"a": "cosign"}
UNSIGNED = VerifierResult("a", Outcome.PASSED)


def test_a_subject_has_every_variable_but_those_of_reports_and_image() -> None:
    """By the names of the documentation; the time in whole seconds."""
    found = subject_values(SUBJECT)
    assert found == {
        "subject.registry": "example.com",
        "subject.repository": "team/app",
        "subject.digest": str(DIGEST),
        "subject.mediaType": "application/vnd.oci.image.manifest.v1+json",
        "subject.tag": "v1",
        "subject.namespace": "space",
        "now": NOW - timedelta(microseconds=999_999),
    }
    assert set(found) | {"artifacts", "subject.image"} == set(VARIABLES)
    by_digest = Subject(SUBJECT.reference.at(DIGEST), SUBJECT.descriptor, "", NOW)
    assert subject_values(by_digest)["subject.tag"] == ""


def test_an_artifact_has_every_member() -> None:
    """Without what is nested, where that was not looked at."""
    bare = report(
        1, passed("a", "k", "l", fact="x"), failed("b", fact="y"), inconclusive("c"), artifact_type="t/x"
    )
    below = report(2, nested=(bare,))
    members: dict[str, Any] = {
        "artifactType": "t/x",
        "digest": str(bare.artifact.digest),
        "readable": True,
        "results": [
            {
                "verifier": "a",
                "type": "cosign",
                "outcome": "PASSED",
                "reason": "",
                "message": "",
                "signers": ["k", "l"],
                "data": {"fact": "x"},
            },
            {
                "verifier": "b",
                "type": "",
                "outcome": "FAILED",
                "reason": "SIG_INVALID",
                "message": "bad",
                "signers": [],
                "data": {"fact": "y"},
            },
            {
                "verifier": "c",
                "type": "",
                "outcome": "INCONCLUSIVE",
                "reason": "KEY_UNAVAILABLE",
                "message": "no key",
                "signers": [],
                "data": {},
            },
        ],
    }
    assert artifact_values((bare,), TYPES, with_nested=False) == [members]
    whole = {**members, "signed": "self", "nested": []}
    assert artifact_values((bare, below), TYPES) == [
        whole,
        {
            "artifactType": "",
            "digest": str(below.artifact.digest),
            "readable": True,
            "results": [],
            "signed": "nested",
            "nested": [whole],
        },
    ]
    assert [each["readable"] for each in artifact_values((bare, unread(3)), TYPES)] == [True, False]


def test_only_what_cannot_be_seen_is_left_out() -> None:
    """Of artifacts, of what is nested in them and of results; nothing, where all can be seen."""
    below = report(2, passed("a"), nested=(report(1, passed("a", "k")),))
    whole = artifact_values((below,), TYPES)
    assert artifact_values((below,), TYPES, left_out=unseen(None, with_nested=True)) == whole
    members = frozenset(whole[0]) | frozenset(whole[0]["results"][0])
    assert artifact_values((below,), TYPES, left_out=unseen(members, with_nested=True)) == whole
    assert artifact_values((below,), TYPES, left_out=unseen(frozenset(), with_nested=True)) == [{}]
    few = unseen({"nested", "results", "outcome"}, with_nested=True)
    results = [{"outcome": "PASSED"}]
    assert artifact_values((below,), TYPES, left_out=few) == [
        {"results": results, "nested": [{"results": results, "nested": []}]}
    ]
    bare = artifact_values((below,), TYPES, with_nested=False, left_out=unseen({"digest"}, with_nested=False))
    assert bare == [{"digest": whole[0]["digest"]}]


def test_a_message_has_control_characters_as_escapes() -> None:
    """It may quote what an artifact says, and languages stumble over some of them."""
    failure = Failure(Reason.SIG_INVALID, "not a type: x\0\ud800", "none")
    refused = VerifierResult("a", Outcome.FAILED, failure=failure)
    assert (
        artifact_values((report(1, refused),), TYPES)[0]["results"][0]["message"]
        == r"not a type: x\x00\ud800"
    )


@pytest.mark.parametrize(
    ("found", "signed"),
    [
        (report(1), "none"),
        (report(1, passed("a")), "none"),
        (report(1, UNSIGNED), "none"),
        (report(1, passed("a", "k")), "self"),
        (report(1, passed("a"), passed("b", "k")), "self"),
        (report(1, UNSIGNED, failed("c"), passed("b", "k")), "self"),
        (report(1, failed("a")), "none"),
        (report(1, passed("a"), nested=(report(2, passed("b", "k")),)), "nested"),
        (report(1, passed("a"), nested=(report(2), report(3, passed("b", "k")))), "nested"),
        (report(1, passed("a"), nested=(report(2, passed("b")), report(3, failed("b")))), "none"),
        (report(1, passed("a"), nested=(report(2, nested=(report(3, passed("b", "k")),)),)), "none"),
        (report(1, passed("a", "k"), nested=(report(2, passed("b", "k")),)), "self"),
    ],
)
def test_it_is_known_what_signs_an_artifact(found: ArtifactReport, signed: str) -> None:
    """Itself, what is attached to it, or nothing; only what passed counts, and not what is two levels below."""
    assert artifact_values((found,), TYPES)[0]["signed"] == signed


def test_an_input_in_rego_has_the_same_members() -> None:
    """With the time as a text, where verdicts end with the second; with the image, where that was asked for."""
    good = report(1, passed("a", "k"))
    make = RegoInput(Contract.PYRATIFY, TYPES).make
    described = {
        "registry": "example.com",
        "repository": "team/app",
        "tag": "v1",
        "digest": str(DIGEST),
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "namespace": "space",
    }
    whole = {
        "subject": described,
        "artifacts": artifact_values((good,), TYPES),
        "now": "2026-06-01T12:00:00Z",
    }
    assert make(SUBJECT, (good,)) == whole
    image = {"platform": "linux/amd64", "layers": ("a",)}
    assert make(SUBJECT, (good,), image)["subject"] == {
        **described,
        "image": {"platform": "linux/amd64", "layers": ["a"]},
    }
    bare = RegoInput(Contract.PYRATIFY, TYPES, with_nested=False, with_time=False).make(SUBJECT, (good,))
    assert bare == {
        "subject": described,
        "artifacts": artifact_values((good,), TYPES, with_nested=False),
    }
    by_digest = Subject(SUBJECT.reference.at(DIGEST), SUBJECT.descriptor, "", NOW)
    assert make(by_digest, ())["subject"]["tag"] == ""
