"""Results as JSON, one object a line: the shape of Ratify v2 with additive fields."""

import json
from dataclasses import dataclass
from typing import Any

from pyratify.core.errors import Failure
from pyratify.core.report import ArtifactReport, Outcome, ValidationResult, VerifierResult, walk
from pyratify.render.plain import MAX_REFERENCE, MAX_REPORT, clean
from pyratify.render.soundness import detail, sound

_SAID = {
    Outcome.PASSED: "verified",
    Outcome.FAILED: "verification failed",
    Outcome.INCONCLUSIVE: "could not be decided",
}


def render(result: ValidationResult) -> str:
    """Return the result as one line of JSON, ASCII only and without a line break at its end."""
    return json.dumps(document(result), allow_nan=False, separators=(",", ":"))


def document(result: ValidationResult) -> dict[str, Any]:
    """Return the result as a JSON object.

    Reports beyond 256 KiB are left out and counted in `leftOut`; verdict, failure and error are always whole.
    """
    result = sound(result)
    budget = _Budget(MAX_REPORT)
    found = {
        "reference": clean(str(result.reference), MAX_REFERENCE),
        "digest": result.subject.digest if result.subject else None,
        "succeeded": result.succeeded,
        "decision": result.decision.value,
        "decided": result.decided,
        "failure": _failure(result.failure),
        "error": _failure(result.error),
        "limits": [_failure(limit) for limit in result.limits] or None,
        "artifactReports": _reports(result.artifacts, budget),
        "leftOut": budget.left_out or None,
    }
    return {key: value for key, value in found.items() if value is not None or key == "digest"}


@dataclass(slots=True)
class _Budget:
    left: int
    left_out: int = 0

    def spend(self, report: dict[str, Any]) -> bool:
        self.left -= len(json.dumps(report, separators=(",", ":")))
        return self.left >= 0


def _reports(reports: tuple[ArtifactReport, ...], budget: _Budget) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index, report in enumerate(reports):
        item = _report(report)
        if not budget.spend(item):
            budget.left_out += sum(1 for _ in walk(reports[index:]))
            break
        found.append({**item, "artifactReports": _reports(report.nested, budget)})
    return found


def _report(report: ArtifactReport) -> dict[str, Any]:
    found = {
        "subject": clean(str(report.subject)),
        "artifact": report.artifact.digest,
        "artifactType": clean(report.artifact.artifact_type) if report.artifact.artifact_type else None,
        "discovery": report.discovery.value,
        "outcome": report.outcome.value if report.outcome else None,
        **_why(report.failure),
        "results": [_result(item) for item in report.results],
    }
    return {key: value for key, value in found.items() if value is not None}


def _result(item: VerifierResult) -> dict[str, Any]:
    found = {
        "verifierName": clean(item.verifier),
        "description": clean(item.details.description) if item.details else _SAID[item.outcome],
        "detail": detail(item),
        "outcome": item.outcome.value,
        **_why(item.failure),
        "warnings": [_failure(warning) for warning in item.details.warnings] if item.details else None,
    }
    return {key: value for key, value in found.items() if value or key == "detail"}


def _why(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {}
    return {
        "errorReason": clean(failure.message),
        "reason": failure.reason.value,
        "remedy": clean(failure.remedy),
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {
        "code": failure.reason.value,
        "message": clean(failure.message),
        "remedy": clean(failure.remedy),
    }
