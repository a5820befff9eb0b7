"""Results of a validation: in memory, and as the JSON of Ratify v2 with additive fields."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.details import encode_details, find_fault
from pyratify.core.errors import NO_FACTS, Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report_budget import ReportBudget
from pyratify.core.store import Discovery
from pyratify.core.text import MAX_REFERENCE, MAX_REPORT, clean
from pyratify.core.verifier import Details


class Outcome(StrEnum):
    """The outcome of verifying an artifact; only `PASSED` counts, and none of them is true or false."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"

    def __bool__(self) -> NoReturn:
        """Raise TypeError: every outcome would be true."""
        raise TypeError("an Outcome is neither true nor false: compare it with Outcome.PASSED")


class Decision(StrEnum):
    """What the policy says of the subject; `NONE` where there is no policy and the reader decides."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    NONE = "NONE"

    def __bool__(self) -> NoReturn:
        """Raise TypeError: every decision would be true, DENY with them."""
        raise TypeError("a Decision is neither true nor false: compare it with Decision.ALLOW")


_SAID = {
    Outcome.PASSED: "verified",
    Outcome.FAILED: "verification failed",
    Outcome.INCONCLUSIVE: "could not be decided",
}


@dataclass(frozen=True, slots=True)
class VerifierResult:
    """The result of one verifier on one artifact; only the executor creates it.

    Attributes:
        verifier: The name under which the verifier is configured.
        outcome: Whether it passed.
        details: The evidence, exactly when the outcome is PASSED.
        failure: Why not, exactly when it is not.
        facts: What is known of evidence that did not pass, from content whose signer is trusted: texts by the names of `Details.data`.
    """

    verifier: str
    outcome: Outcome
    details: Details | None = None
    failure: Failure | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: NO_FACTS, hash=False)

    @property
    def passed(self) -> bool:
        """Whether this is positive evidence."""
        return self.outcome is Outcome.PASSED

    def __bool__(self) -> bool:
        """Return `passed`, so that a failed result is never taken for evidence."""
        return self.passed

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a JSON object; `detail` is the text of another one, as in Ratify v2.

        Raises:
            ValueError: The details are no JSON; `ValidationResult.to_dict` reports that as an error.
            TypeError: Likewise.
        """
        details = self.details
        found = {
            "verifierName": clean(self.verifier),
            "description": clean(details.description) if details else _SAID[self.outcome],
            # Of what did not pass, what trusted signers say of it: templates compare its time with that of others.
            "detail": encode_details(details.data if details else self.facts)
            if details or self.facts
            else "",
            "outcome": self.outcome.value,
            **_why(self.failure),
            "warnings": [warning.to_dict() for warning in details.warnings] if details else None,
        }
        return {key: value for key, value in found.items() if value or key == "detail"}


@dataclass(frozen=True, slots=True)
class ArtifactReport:
    """One artifact attached to a subject.

    Attributes:
        subject: The repository and digest it is attached to.
        artifact: Its descriptor by its own manifest; by the listing where the manifest could not be read.
        discovery: How it was found.
        results: One entry for each verifier that was run; empty when none verifies this kind.
        nested: What is attached to the artifact itself.
        outcome: FAILED or INCONCLUSIVE when it could not be offered to a verifier, INCONCLUSIVE when what is attached to it could not be listed.
        failure: Why not.
        platform: For a manifest that an image index lists, what it runs on; what is nested is its own evidence.
        decision: The policy's decision on that manifest; None where it was not judged.
        layer_types: The media types of what is in an artifact under one of cosign's tags.
    """

    subject: Reference
    artifact: Descriptor
    discovery: Discovery
    results: tuple[VerifierResult, ...] = ()
    nested: tuple["ArtifactReport", ...] = ()
    outcome: Outcome | None = None
    failure: Failure | None = None
    platform: str | None = None
    decision: Decision | None = None
    layer_types: frozenset[str] = frozenset()

    def passed(self, verifier: str) -> VerifierResult | None:
        """Return the named verifier's result if it passed."""
        return next((each for each in self.results if each.verifier == verifier and each.passed), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object, with what is nested in it; errors as in `VerifierResult.to_dict`."""
        return {**_flat(self), "artifactReports": [report.to_dict() for report in self.nested]}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy decides.

    Attributes:
        decision: The decision.
        failure: Why, when it is DENY.
        valid_until: The first moment at which time alone could change it (aware); None where it depends on no time.
    """

    decision: Decision
    failure: Failure | None = None
    valid_until: datetime | None = None

    def __bool__(self) -> NoReturn:
        """Raise TypeError: a verdict that denies would be true."""
        raise TypeError("a Verdict is neither true nor false: compare its decision with Decision.ALLOW")


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The result of validating one reference.

    Attributes:
        reference: As it was given.
        subject: What it resolved to; None when it did not.
        decision: The policy's decision; DENY when there is an error.
        failure: Why it is denied.
        error: Why it could not be decided; the decision is then DENY, and another attempt may help.
        artifacts: The attached artifacts that were examined, in the store's order.
        limits: The limits that were reached.
        passed_over: How many attached artifacts were not examined because those before them were enough, where that is known.
        valid_until: As in `Verdict`; that of the evidence is in its details.
    """

    reference: Reference
    subject: Descriptor | None
    decision: Decision
    failure: Failure | None = None
    error: Failure | None = None
    artifacts: tuple[ArtifactReport, ...] = ()
    limits: tuple[Failure, ...] = ()
    passed_over: int = 0
    valid_until: datetime | None = None

    @property
    def decided(self) -> bool:
        """Whether the policy decided; a DENY beside an error is not its decision."""
        return self.error is None and self.decision is not Decision.NONE

    @property
    def succeeded(self) -> bool:
        """Whether the policy allows the subject."""
        return self.decision is Decision.ALLOW and self.error is None

    def __bool__(self) -> NoReturn:
        """Raise TypeError: `if engine.validate(...)` would let pass what is denied."""
        raise TypeError("a ValidationResult is neither true nor false: ask for result.succeeded")

    def checked(self) -> "ValidationResult":
        """Return the result, or an error in its place where a verifier's details are no JSON.

        A result whose report cannot be written as JSON allows nothing, so that report and decision always agree.
        """
        for report in flatten(self.artifacts):
            for item in report.results:
                fault = find_fault(item.details.data) if item.details else None
                if fault is not None:
                    message = f"the details of the verifier {item.verifier!r} are no JSON: {fault}"
                    error = Failure(Reason.INTERNAL, message, Reason.INTERNAL.remedy)
                    reports = tuple(map(_without_details, self.artifacts))
                    return replace(self, decision=Decision.DENY, failure=None, error=error, artifacts=reports)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a JSON object of strings that are safe to show.

        Reports beyond 256 KiB are left out and counted in `leftOut`; verdict, failure and error are always whole.
        """
        result = self.checked()
        # One budget for the whole tree: nesting must not multiply it.
        budget = ReportBudget(MAX_REPORT)
        found = {
            "reference": clean(str(result.reference), MAX_REFERENCE),
            "digest": result.subject.digest if result.subject else None,
            "succeeded": result.succeeded,
            "decision": result.decision.value,
            "decided": result.decided,
            "failure": result.failure.to_dict() if result.failure else None,
            "error": result.error.to_dict() if result.error else None,
            "limits": [limit.to_dict() for limit in result.limits] or None,
            "artifactReports": _reports(result.artifacts, budget),
            # After the reports, which count what they leave out.
            "leftOut": budget.left_out or None,
        }
        return {key: value for key, value in found.items() if value is not None or key == "digest"}

    def to_json(self) -> str:
        """Return `to_dict` as one line of JSON, ASCII only and without a line break at its end."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))


def flatten(reports: tuple[ArtifactReport, ...]) -> Iterator[ArtifactReport]:
    """Iterate over reports and everything nested in them, in order."""
    # Recursion is bounded: the walk nests no deeper than `limits.depth`.
    for report in reports:
        yield report
        yield from flatten(report.nested)


def failures(reports: tuple[ArtifactReport, ...]) -> Iterator[tuple[Outcome, Failure]]:
    """Iterate over everything in the tree that did not pass."""
    for report in flatten(reports):
        if report.failure is not None and report.outcome is not None:
            yield report.outcome, report.failure
        yield from ((r.outcome, r.failure) for r in report.results if r.failure is not None)


def _reports(reports: tuple[ArtifactReport, ...], budget: ReportBudget) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index, report in enumerate(reports):
        item = _flat(report)
        if not budget.spend(item):
            budget.left_out += sum(1 for _ in flatten(reports[index:]))
            # Not `continue`: a list with holes would look complete.
            break
        found.append({**item, "artifactReports": _reports(report.nested, budget)})
    return found


def _flat(report: ArtifactReport) -> dict[str, Any]:
    found = {
        "subject": clean(str(report.subject)),
        "artifact": report.artifact.digest,
        "artifactType": clean(report.artifact.artifact_type) if report.artifact.artifact_type else None,
        "discovery": report.discovery.value,
        "platform": clean(report.platform) if report.platform else None,
        "decision": report.decision.value if report.decision is not None else None,
        "outcome": report.outcome.value if report.outcome is not None else None,
        **_why(report.failure),
        "results": [item.to_dict() for item in report.results],
    }
    return {key: value for key, value in found.items() if value is not None}


def _without_details(report: ArtifactReport) -> ArtifactReport:
    results = tuple(
        replace(item, details=None) if item.details and find_fault(item.details.data) else item
        for item in report.results
    )
    return replace(report, results=results, nested=tuple(map(_without_details, report.nested)))


def _why(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {}
    return {
        "errorReason": clean(failure.message),
        "reason": failure.reason.value,
        "remedy": clean(failure.remedy),
    }
