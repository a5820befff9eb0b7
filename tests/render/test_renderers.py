"""Renderers: pure functions of a result."""

import json
from dataclasses import replace

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.render import json as as_json
from pyratify.render import text, tree
from pyratify.render.facts import render_facts
from pyratify.render.plain import MAX_REPORT, bounded, clean

REFERENCE = Reference.parse("registry.example.com/app:v1")
IMAGE = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 5)
ONE = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"one"), 3, "application/one")
TWO = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"two"), 3)
EXPIRED = Failure(Reason.SIG_EXPIRED, "it is old", "sign again")
GOOD = VerifierResult(
    "cosign", Outcome.PASSED, Details("1 key signed this", ("spki:1",), {"Issuer": "x"}, (EXPIRED,))
)
UNKNOWN = Failure(Reason.CHAIN_UNTRUSTED, "unknown root", "add the root")
BAD = VerifierResult("notation", Outcome.FAILED, failure=UNKNOWN)
LATE = VerifierResult("slow", Outcome.INCONCLUSIVE, failure=Failure(Reason.TIMEOUT, "too late", "wait"))
UNSATISFIED = Failure(Reason.POLICY_UNSATISFIED, "1 of 1 needed", "sign it")


def artifact(descriptor: Descriptor, *results: VerifierResult, **more: object) -> ArtifactReport:
    """Return the report of one artifact attached to the image."""
    return ArtifactReport(REFERENCE.at(IMAGE.digest), descriptor, Discovery.REFERRERS_API, results, **more)


ALLOWED = ValidationResult(
    REFERENCE, IMAGE, Decision.ALLOW, artifacts=(artifact(ONE, GOOD, nested=(artifact(TWO, BAD),)),)
)
DENIED = ValidationResult(
    REFERENCE, IMAGE, Decision.DENY, UNSATISFIED, artifacts=(artifact(ONE, BAD), artifact(TWO))
)


def test_json_is_ratifys_shape_with_more() -> None:
    """One line, the members of Ratify v2 with its detail as text, and what is added."""
    line = as_json.render(ALLOWED)
    assert "\n" not in line
    warning = {"code": "SIG_EXPIRED", "message": "it is old", "remedy": "sign again"}
    assert json.loads(line) == {
        "reference": "registry.example.com/app:v1",
        "digest": IMAGE.digest,
        "succeeded": True,
        "decision": "ALLOW",
        "decided": True,
        "artifactReports": [
            {
                "subject": f"registry.example.com/app@{IMAGE.digest}",
                "artifact": ONE.digest,
                "artifactType": "application/one",
                "discovery": "referrers-api",
                "results": [
                    {
                        "verifierName": "cosign",
                        "description": "1 key signed this",
                        "detail": '{"Issuer":"x"}',
                        "outcome": "PASSED",
                        "warnings": [warning],
                    }
                ],
                "artifactReports": [
                    {
                        "subject": f"registry.example.com/app@{IMAGE.digest}",
                        "artifact": TWO.digest,
                        "discovery": "referrers-api",
                        "results": [
                            {
                                "verifierName": "notation",
                                "description": "verification failed",
                                "detail": "",
                                "outcome": "FAILED",
                                "errorReason": "unknown root",
                                "reason": "CHAIN_UNTRUSTED",
                                "remedy": "add the root",
                            }
                        ],
                        "artifactReports": [],
                    }
                ],
            }
        ],
    }


def test_json_of_what_could_not_be_decided() -> None:
    """An error has its code, message and remedy; there is no digest, and the member is there all the same."""
    failure = Failure(Reason.NOT_FOUND, "nothing there", "look elsewhere")
    found = json.loads(as_json.render(ValidationResult(REFERENCE, None, Decision.DENY, error=failure)))
    assert found == {
        "reference": "registry.example.com/app:v1",
        "digest": None,
        "succeeded": False,
        "decision": "DENY",
        "decided": False,
        "error": {"code": "NOT_FOUND", "message": "nothing there", "remedy": "look elsewhere"},
        "artifactReports": [],
    }


def test_json_shows_limits_and_artifacts_that_failed() -> None:
    """A limit that was hit and an artifact that no verifier saw are in the report."""
    limit = Failure(Reason.REFERRERS_LIMIT, "too many", "raise it")
    failed = artifact(ONE, outcome=Outcome.FAILED, failure=EXPIRED)
    found = json.loads(as_json.render(replace(DENIED, limits=(limit,), artifacts=(failed,))))
    assert found["limits"][0]["code"] == "REFERRERS_LIMIT"
    assert found["artifactReports"][0]["outcome"] == "FAILED"
    assert found["artifactReports"][0]["reason"] == "SIG_EXPIRED"


def test_text_of_an_allowed_image() -> None:
    """The verdict with the digest, the evidence, and what was only reported."""
    assert text.render(ALLOWED).splitlines() == [
        f"ALLOWED registry.example.com/app:v1@{IMAGE.digest}",
        f"  verified: cosign: 1 key signed this; {ONE.digest[:19]} (referrers-api)",
        "    warning: it is old [SIG_EXPIRED]",
    ]


@pytest.mark.parametrize(
    ("result", "head"),
    [
        (DENIED, "DENIED .*: no matching evidence"),
        (replace(DENIED, artifacts=(artifact(ONE, GOOD),)), "DENIED .*: not enough evidence"),
        (
            replace(DENIED, failure=replace(UNSATISFIED, message="the policy forbids this: unknown root")),
            "DENIED .*: refused by the policy",
        ),
        (replace(DENIED, artifacts=(artifact(ONE, LATE),)), "DENIED .*: no evidence could be verified"),
        (replace(DENIED, artifacts=()), "DENIED .*: no evidence"),
        (replace(DENIED, failure=replace(UNSATISFIED, reason=Reason.NO_EVIDENCE)), "DENIED .*: no signature"),
        (replace(DENIED, failure=replace(UNSATISFIED, reason=Reason.SCOPE_NO_MATCH)), "DENIED .*: refused"),
        (replace(DENIED, error=EXPIRED), "ERROR .*: could not be decided"),
        (replace(DENIED, error=replace(EXPIRED, reason=Reason.NOT_FOUND)), "ERROR .*: not found"),
        (
            replace(DENIED, error=replace(EXPIRED, reason=Reason.TLS_VERIFY)),
            "ERROR .*: could not reach or read the registry",
        ),
        (replace(ALLOWED, decision=Decision.NONE), "REPORT .*"),
    ],
)
def test_each_verdict_has_its_words(result: ValidationResult, head: str) -> None:
    """Text and tree begin with the same line, colored on demand."""
    import re

    for render in (text.render, tree.render):
        first = render(result).splitlines()[0]
        assert re.fullmatch(head, first)
        assert re.sub(r"\x1b\[[0-9;]*m", "", render(result, color=True)).splitlines()[0] == first
        assert "\x1b[" in render(result, color=True)


def test_text_says_why_and_what_to_do() -> None:
    """Where all signatures failed for one reason, that reason's remedy is given; evidence that no verifier reads is named."""
    shown = text.render(DENIED)
    assert "failed: notation: unknown root [CHAIN_UNTRUSTED]" in shown
    assert "which no configured verifier reads" in shown
    assert shown.endswith("what to do: add the root")
    both = replace(DENIED, artifacts=(artifact(ONE, BAD, LATE),))
    assert text.render(both).endswith("what to do: sign it")


def test_text_leaves_out_statements_of_other_types_where_the_cause_is_known() -> None:
    """They are counted, and stay where nothing else says what is wrong."""
    other = replace(
        BAD, failure=replace(UNKNOWN, reason=Reason.PREDICATE_TYPE, message="of type 'x', not 'y'")
    )
    result = replace(DENIED, artifacts=(artifact(ONE, BAD, other),))
    assert "of type 'x', not 'y'" in text.render(result)
    caused = replace(
        result, failure=replace(UNSATISFIED, message=f"the policy forbids this: {UNKNOWN.message}")
    )
    shown = text.render(caused)
    assert "of type 'x'" not in shown
    assert "failed: notation: unknown root [CHAIN_UNTRUSTED]" in shown
    assert "  left out: 1 result about a statement of another type; -o tree shows it\n" in shown
    assert "of type 'x', not 'y'" in tree.render(caused)
    itself = replace(
        result, failure=replace(UNSATISFIED, message="the policy forbids this: of type 'x', not 'y'")
    )
    assert "failed: notation: of type 'x', not 'y'" in text.render(itself)


def test_a_statement_of_another_type_gives_no_remedy_beside_accepted_evidence() -> None:
    """What the policy lacks is something else; alone, it is what is wrong."""
    other = replace(BAD, failure=replace(UNKNOWN, reason=Reason.PAYLOAD_TYPE, remedy="name the type"))
    assert text.render(replace(DENIED, artifacts=(artifact(ONE, GOOD, other),))).endswith("to do: sign it")
    assert text.render(replace(DENIED, artifacts=(artifact(ONE, other),))).endswith("to do: name the type")
    assert text.render(replace(DENIED, artifacts=(artifact(ONE, BAD, other),))).endswith(
        "to do: add the root"
    )


def test_the_tree_shows_nesting() -> None:
    """Artifacts of artifacts stand below them, results below their artifact."""
    shown = tree.render(ALLOWED).splitlines()
    assert shown[1].startswith(f"└── {ONE.digest} application/one, 3 bytes")
    assert shown[2] == "    ├── PASSED cosign: 1 key signed this"
    assert shown[3] == "    │   ├── signer: spki:1"
    assert any(line.startswith(f"    └── {TWO.digest}") for line in shown)
    assert shown[-1] == "        └── FAILED notation: unknown root [CHAIN_UNTRUSTED]"


def test_facts_are_indented_lines() -> None:
    """Objects, lists and scalars in a form that people read."""
    facts = {"a": {"b": [1, {"c": True, "d": None}, []], "e": []}, "f": False}
    assert render_facts(facts).splitlines() == [
        "a:",
        "  b:",
        "    - 1",
        "    - c: yes",
        "      d: none",
        "    - -",
        "  e: none",
        "f: no",
    ]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain text, ü and 日本", "plain text, ü and 日本"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202e", "\\u202e"),
        ("\U000e0001", "\\U000e0001"),
        ("x" * 1030, "x" * 1024 + "... [6 characters left out]"),
    ],
)
def test_text_is_made_safe(given: str, shown: str) -> None:
    """Printable text stays as it is; everything else is escaped; long texts are cut."""
    assert clean(given) == shown


def test_values_are_bounded() -> None:
    """Strings are cut at every depth; numbers stay numbers."""
    assert bounded({"a": ["x" * 2000, 1, None, True]})["a"][1:] == [1, None, True]
    assert len(bounded({"a": ["x" * 2000]})["a"][0]) < 1100


def test_facts_as_trees_have_their_first_scalar_as_the_root() -> None:
    """Lists are numbered, and several objects are several trees."""
    from pyratify.render.facts import render_tree

    shown = render_tree({"a": 1, "b": [True, {"c": None}], "d": {}, "e": []})
    assert shown.splitlines() == [
        "a: 1",
        "├── b",
        "│   ├── 1: yes",
        "│   └── 2",
        "│       └── c: none",
        "├── d",
        "└── e: none",
    ]
    assert render_tree({"a": [1]}).splitlines() == [".", "└── a", "    └── 1: 1"]
    assert render_tree([{"a": 1}, 2]) == "a: 1\n2"


def test_keyless_signers_are_named_by_their_identity() -> None:
    """A bare key has no name that says more than its count."""
    from pyratify.render.words import signer_names

    assert signer_names(Details("x", ("me@example.com",))) == ("me@example.com",)
    assert signer_names(Details("x", ("spki:sha256:00",))) == ()
    assert signer_names(Details("x", ("spki:sha256:00",), {"SN": "CN=a"})) == ("CN=a",)
    assert signer_names(Details("x", (), {"SN": "CN=a"})) == ()


def test_attached_artifacts_as_lines() -> None:
    """Nested ones are indented, and faults and limits are said."""
    from pyratify.render.attached import render_json, render_lines

    kind = VerifierResult("kind", Outcome.PASSED, Details("signature"))
    failed = artifact(TWO, outcome=Outcome.FAILED, failure=EXPIRED)
    tag = replace(artifact(ONE, kind, nested=(failed,)), discovery=Discovery.COSIGN_TAG)
    limit = Failure(Reason.REFERRERS_LIMIT, "too many", "raise it")
    result = replace(ALLOWED, artifacts=(tag,), limits=(limit,), passed_over=2)
    lines = render_lines(result).splitlines()
    assert lines[0].endswith(": 2 attached")
    assert lines[1].endswith("(cosign-tag): cosign signature")
    assert lines[2].startswith(f"    {TWO.digest}")
    assert lines[3] == "      cannot be used: it is old [SIG_EXPIRED]"
    assert lines[4] == "  limit: too many [REFERRERS_LIMIT]"
    assert json.loads(render_json(result))["limits"] == ["too many [REFERRERS_LIMIT]"]
    assert "not looked at: 2, because what came before was enough" in tree.render(result)
    assert "limit: too many" in tree.render(result)
    assert "limit: too many" in text.render(result)


@pytest.mark.parametrize("name", ["render_lines", "render_tree"])
def test_a_list_of_attached_artifacts_is_bounded(name: str) -> None:
    """As every report is: what is left out is counted."""
    from pyratify.render import attached

    many = replace(ALLOWED, artifacts=(artifact(ONE),) * 5000)
    lines = getattr(attached, name)(many).splitlines()
    assert len("\n".join(lines)) < MAX_REPORT + 100
    assert lines[-1].endswith(" lines left out")


def test_platforms_stand_above_what_they_stand_on() -> None:
    """Allowed, denied with why, undecided, not judged; and a signature of the index says that it is one."""
    index = REFERENCE.at(IMAGE.digest)
    below = artifact(TWO, GOOD)
    attestation = replace(
        artifact(ONE, GOOD, nested=(below,)), subject=REFERENCE.at(TWO.digest), discovery=Discovery.INDEX
    )

    def platform(name: str, decision: Decision | None, **more: object) -> ArtifactReport:
        return ArtifactReport(index, TWO, Discovery.INDEX, platform=name, decision=decision, **more)

    result = replace(
        DENIED,
        artifacts=(
            platform("linux/amd64", Decision.ALLOW, nested=(attestation,)),
            platform("linux/arm64", Decision.DENY, outcome=Outcome.FAILED, failure=UNSATISFIED),
            platform("linux/arm/v7", Decision.DENY, outcome=Outcome.INCONCLUSIVE, failure=EXPIRED),
            platform("linux/s390x", None),
            platform("linux/386", Decision.NONE),
        ),
    )
    shown = tree.render(result)
    assert f"linux/amd64 {TWO.digest}: allowed" in shown
    assert f"linux/arm64 {TWO.digest}: denied" in shown
    assert f"linux/arm/v7 {TWO.digest}: could not be decided" in shown
    assert f"linux/s390x {TWO.digest}: not judged" in shown
    assert f"linux/386 {TWO.digest}: nothing decided" in shown
    assert f"attached to the index {IMAGE.digest}" in shown
    assert "of kinds that no verifier here reads" not in shown
    lines = text.render(result)
    assert "platform linux/arm64: denied: 1 of 1 needed [POLICY_UNSATISFIED]" in lines
    missing = Failure(Reason.PLATFORM_MISSING, "none for linux/s390x", "publish it")
    assert text.render(replace(result, failure=missing)).splitlines()[0].endswith("a platform is missing")
