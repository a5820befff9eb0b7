"""What a report says and what it decides must be one: a report that cannot be written down allows nothing."""

import json
from dataclasses import replace

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, ValidationResult, VerifierResult, walk
from pyratify.render.plain import bounded

MAX_DETAIL = 32 * 1024


def sound(result: ValidationResult) -> ValidationResult:
    """Return the result, or an error in its place when a verifier's details are no JSON.

    Every entry point calls this before it looks at the decision, so that what is printed and what is decided agree.
    """
    for report in walk(result.artifacts):
        for item in report.results:
            fault = _fault(item)
            if fault is not None:
                return _refused(result, f"the details of the verifier {item.verifier!r} are no JSON: {fault}")
    return result


def detail(item: VerifierResult) -> str:
    """Return a verifier's details as the text of a JSON object, empty when there are none.

    Raises:
        ValueError: They are no JSON.
        TypeError: They are no JSON.
    """
    if item.details is None:
        return ""
    text = json.dumps(bounded(item.details.data), allow_nan=False, separators=(",", ":"))
    if "\\ud" in text:
        json.dumps(bounded(item.details.data), ensure_ascii=False).encode("utf-8")
    return text if len(text) <= MAX_DETAIL else json.dumps({"leftOut": f"{len(text)} characters of details"})


def _fault(item: VerifierResult) -> str | None:
    try:
        detail(item)
    except (TypeError, ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _refused(result: ValidationResult, message: str) -> ValidationResult:
    failure = Failure(Reason.INTERNAL, message, Reason.INTERNAL.remedy)
    reports = tuple(_without_details(report) for report in result.artifacts)
    return replace(result, decision=Decision.DENY, failure=None, error=failure, artifacts=reports)


def _without_details(report: ArtifactReport) -> ArtifactReport:
    results = tuple(replace(item, details=None) if _fault(item) else item for item in report.results)
    return replace(report, results=results, nested=tuple(_without_details(child) for child in report.nested))
