"""What expressions see of a decision: plain values of the subject and the reports."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.policy import Reports, Subject
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.text import clean
from pyratify.expressions.language import Kind
from pyratify.policies.artifact_kind import artifact_type

ARTIFACTS, NOW, TAG, IMAGE = "artifacts", "now", "subject.tag", "subject.image"
VARIABLES: Mapping[str, Kind] = {
    "subject.registry": Kind.TEXT,
    "subject.repository": Kind.TEXT,
    "subject.digest": Kind.TEXT,
    "subject.mediaType": Kind.TEXT,
    TAG: Kind.TEXT,
    IMAGE: Kind.ANY,
    "subject.namespace": Kind.TEXT,
    ARTIFACTS: Kind.LIST,
    NOW: Kind.TIME,
}
"""What an expression of a policy may name."""
LISTS = frozenset({"results", "nested"})
"""The members of an artifact that are lists of objects; no other member holds artifacts or results."""
_ARTIFACT = frozenset({"artifactType", "digest", "readable", "results", "signed", "nested"})
_RESULT = frozenset({"verifier", "type", "outcome", "reason", "message", "signers", "data"})
# `Outcome.value` is a property in Python, and takes as long as the rest of a result.
_OUTCOMES: Mapping[Outcome, str] = {outcome: outcome.value for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Unseen:
    """Members that an expression cannot see: most of a decision's time is taken to convert what it could.

    Attributes:
        artifact: Those of artifacts.
        result: Those of their results.
    """

    artifact: tuple[str, ...] = ()
    result: tuple[str, ...] = ()


NONE_UNSEEN = Unseen()


def unseen(members: AbstractSet[str] | None, *, with_nested: bool) -> Unseen:
    """Return what is beside the members that can be seen; None for all of them."""
    if members is None:
        return NONE_UNSEEN
    there = _ARTIFACT if with_nested else _ARTIFACT - {"signed", "nested"}
    return Unseen(tuple(sorted(there - members)), tuple(sorted(_RESULT - members)))


def subject_values(subject: Subject) -> dict[str, Any]:
    """Return the values of the subject's variables, and the time in whole seconds."""
    reference = subject.reference
    return {
        "subject.registry": reference.registry,
        "subject.repository": reference.repository,
        "subject.digest": str(subject.descriptor.digest),
        "subject.mediaType": subject.descriptor.media_type,
        TAG: reference.tag or "",
        "subject.namespace": subject.namespace,
        # In whole seconds, so that a verdict that depends on the time can be cached until the next.
        NOW: subject.now.replace(microsecond=0),
    }


def artifact_values(
    reports: Reports, types: Mapping[str, str], *, with_nested: bool = True, left_out: Unseen = NONE_UNSEEN
) -> list[dict[str, Any]]:
    """Return the values of artifacts.

    Args:
        reports: The artifacts.
        types: The plugins of the verifiers, by their names.
        with_nested: Whether what is attached to them was looked at; without it, nothing says what is there.
        left_out: What is left out of them.

    Raises:
        TypeError: The facts of a result are no JSON values.
    """
    return [_artifact(report, types, with_nested, left_out) for report in reports]


def _artifact(
    report: ArtifactReport, types: Mapping[str, str], with_nested: bool, left_out: Unseen
) -> dict[str, Any]:
    artifact = report.artifact
    found: dict[str, Any] = {
        "artifactType": artifact_type(report),
        "digest": str(artifact.digest),
        "readable": report.outcome is None,
        "results": [_result(result, types, left_out.result) for result in report.results],
    }
    # Left out, not empty: an empty list would say that nothing is attached.
    if with_nested:
        found["signed"] = _signed(report)
        found["nested"] = artifact_values(report.nested, types, left_out=left_out)
    for name in left_out.artifact:
        del found[name]
    return found


def _result(result: VerifierResult, types: Mapping[str, str], left_out: tuple[str, ...]) -> dict[str, Any]:
    details, failure = result.details, result.failure
    found: dict[str, Any] = {
        "verifier": result.verifier,
        "type": types.get(result.verifier, ""),
        "outcome": _OUTCOMES[result.outcome],
        "reason": failure.reason.value if failure else "",
        # Messages quote what registries and artifacts say; as in reports, with escapes.
        "message": clean(failure.message) if failure else "",
        "signers": list(details.signers) if details else [],
        # Of what did not pass, what trusted signers say of it.
        "data": plain_facts(details.data if details else result.facts),
    }
    for name in left_out:
        del found[name]
    return found


def _signed(report: ArtifactReport) -> str:
    """Return whether evidence is signed itself, by what is attached to it, or not at all."""
    if _has_signers(report):
        return "self"
    return "nested" if any(map(_has_signers, report.nested)) else "none"


def _has_signers(report: ArtifactReport) -> bool:
    return any(result.details and result.details.signers for result in report.results if result.passed)


def plain_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a result as JSON values.

    Raises:
        TypeError: They are none.
    """
    for value in facts.values():
        # Most facts are texts, and the general way takes three times as long. Not subclasses, which languages do not know.
        if type(value) is not str:
            found: dict[str, Any] = plain_json(facts)
            return found
    return dict(facts)


def plain_json(value: Any) -> Any:
    """Return a value of a plugin as JSON values; TypeError where it is none."""
    # The hook: facts may be read-only mappings, which msgspec does not know.
    return _lists(msgspec.to_builtins(value, enc_hook=_dict))


def _lists(value: Any) -> Any:
    # msgspec leaves tuples as they are, and an expression over one would be an error.
    if isinstance(value, dict):
        return {key: _lists(each) for key, each in value.items()}
    return [_lists(each) for each in value] if isinstance(value, list | tuple) else value


def _dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
