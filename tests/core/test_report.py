"""Results: neither true nor false, and the same JSON everywhere."""

import json
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import (
    ArtifactReport,
    Decision,
    Outcome,
    ValidationResult,
    Verdict,
    VerifierResult,
)
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.render.json import render

SUBJECT = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 5)
REFERENCE = Reference.parse(f"example.com/app@{SUBJECT.digest}")
FAILURE = Failure(Reason.SIG_INVALID, "the signature is \x1b[31mnot\x1b[0m good", "Sign it again.")
PASSED = VerifierResult("fake", Outcome.PASSED, Details("one key signed", ("spki:sha256:00",), {"a": [1]}))
FAILED = VerifierResult("fake", Outcome.FAILED, failure=FAILURE)


def result(decision: Decision, *results: VerifierResult, **more: Any) -> ValidationResult:
    """Return a result with one artifact and another one attached to it."""
    inner = ArtifactReport(REFERENCE, SUBJECT, Discovery.REFERRERS_API, results)
    outer = ArtifactReport(
        REFERENCE, SUBJECT, Discovery.REFERRERS_API, results, (inner,), Outcome.FAILED, FAILURE
    )
    return ValidationResult(REFERENCE, SUBJECT, decision, artifacts=(outer,), **more)


@pytest.mark.parametrize("decision", list(Decision))
@pytest.mark.parametrize(
    "make",
    [result, Verdict, lambda each: each],
    ids=["result", "verdict", "decision"],
)
def test_what_may_deny_is_neither_true_nor_false(make: Any, decision: Decision) -> None:
    """`if engine.validate(...)` would let pass what is denied; the error says what to ask for."""
    with pytest.raises(TypeError, match=r"succeeded|Decision\.ALLOW"):
        bool(make(decision))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_is_neither_true_nor_false(outcome: Outcome) -> None:
    """FAILED would be true as well."""
    with pytest.raises(TypeError, match=r"Outcome\.PASSED"):
        bool(outcome)


def test_a_verifiers_result_is_true_where_it_passed() -> None:
    """So that `if report.passed("fake"):` and `if report.results[0]:` mean what they say."""
    assert PASSED
    assert not FAILED
    report = result(Decision.DENY, FAILED, PASSED).artifacts[0]
    assert report.passed("fake") is PASSED


def test_a_result_is_a_json_object_as_the_command_prints_it() -> None:
    """`to_dict`, `to_json` and `-o json` are one shape."""
    found = result(Decision.DENY, PASSED, FAILED, failure=FAILURE)
    text = found.to_json()
    assert text == render(found)
    assert json.loads(text) == found.to_dict()
    assert "\n" not in text
    assert text.isascii()
    assert (found.to_dict()["decision"], found.to_dict()["succeeded"]) == ("DENY", False)


def test_every_part_of_a_result_has_the_same_shape_by_itself() -> None:
    """A report of the tree, a verifier's result, and why something failed."""
    found = result(Decision.DENY, PASSED, FAILED, failure=FAILURE)
    whole = found.to_dict()
    (report,) = whole["artifactReports"]
    assert found.artifacts[0].to_dict() == report
    assert [PASSED.to_dict(), FAILED.to_dict()] == report["results"]
    assert FAILURE.to_dict() == whole["failure"]
    assert "\x1b" not in whole["failure"]["message"]
    assert json.loads(PASSED.to_dict()["detail"]) == {"a": [1]}


@pytest.mark.parametrize(
    "data",
    [{"x": float("nan")}, {"x": object()}, {1: "x"}, {"x": "\ud800"}],
    ids=["nan", "object", "number", "surrogate"],
)
def test_details_that_are_no_json_allow_nothing(data: dict[Any, Any]) -> None:
    """What is decided and what is written down are one."""
    broken = VerifierResult("fake", Outcome.PASSED, Details("signed", (), data))
    found = result(Decision.ALLOW, broken).to_dict()
    assert (found["succeeded"], found["decision"], found["error"]["code"]) == (False, "DENY", "INTERNAL")
