"""Results: what was found, what failed and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details


class Outcome(StrEnum):
    """What came of looking at an artifact; only `PASSED` ever counts."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Decision(StrEnum):
    """What the policy says of the subject; `NONE` where there is no policy and the reader decides."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class VerifierResult:
    """What one verifier made of one artifact; made by the executor alone.

    Attributes:
        verifier: The name under which the verifier is configured.
        outcome: What came of it.
        details: The evidence, exactly when the outcome is PASSED.
        failure: Why not, exactly when it is not.
    """

    verifier: str
    outcome: Outcome
    details: Details | None = None
    failure: Failure | None = None

    @property
    def passed(self) -> bool:
        """Whether this is positive evidence."""
        return self.outcome is Outcome.PASSED


@dataclass(frozen=True, slots=True)
class ArtifactReport:
    """One artifact attached to a subject.

    Attributes:
        subject: The repository and digest it is attached to.
        artifact: What it is, by its own manifest; what the listing says where the manifest could not be read.
        discovery: How it was found.
        results: One entry for each verifier that was asked; empty when none verifies this kind.
        nested: What is attached to the artifact itself.
        outcome: FAILED or INCONCLUSIVE when the artifact could not even be offered to a verifier, and INCONCLUSIVE
            when what is attached to it could not be listed.
        failure: Why not.
    """

    subject: Reference
    artifact: Descriptor
    discovery: Discovery
    results: tuple[VerifierResult, ...] = ()
    nested: tuple["ArtifactReport", ...] = ()
    outcome: Outcome | None = None
    failure: Failure | None = None

    def passed(self, verifier: str) -> VerifierResult | None:
        """Return the named verifier's result if it passed."""
        return next(
            (result for result in self.results if result.verifier == verifier and result.passed), None
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy decides.

    Attributes:
        decision: The decision.
        failure: Why, when it is DENY.
    """

    decision: Decision
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The answer of the engine for one reference.

    Attributes:
        reference: What was asked.
        subject: What it resolved to; None when it did not.
        decision: The policy's decision; DENY when there is an error.
        failure: Why it is denied.
        error: Why it could not be decided; then nothing is to be run either, but asking again may help.
        artifacts: What is attached, in the store's order, as far as it was looked at.
        limits: The limits that were hit on the way.
        passed_over: How many attached artifacts were not looked at because those before them were enough, where that was counted.
    """

    reference: Reference
    subject: Descriptor | None
    decision: Decision
    failure: Failure | None = None
    error: Failure | None = None
    artifacts: tuple[ArtifactReport, ...] = ()
    limits: tuple[Failure, ...] = ()
    passed_over: int = 0

    @property
    def decided(self) -> bool:
        """Whether the policy had its say; a DENY beside an error is no refusal."""
        return self.error is None and self.decision is not Decision.NONE

    @property
    def succeeded(self) -> bool:
        """Whether the policy allows the subject."""
        return self.decision is Decision.ALLOW and self.error is None


def walk(reports: tuple[ArtifactReport, ...]) -> Iterator[ArtifactReport]:
    """Iterate over reports and everything nested in them, in order."""
    for report in reports:
        yield report
        yield from walk(report.nested)


def failures(reports: tuple[ArtifactReport, ...]) -> Iterator[tuple[Outcome, Failure]]:
    """Iterate over everything in the tree that did not pass."""
    for report in walk(reports):
        if report.failure is not None and report.outcome is not None:
            yield report.outcome, report.failure
        yield from ((r.outcome, r.failure) for r in report.results if r.failure is not None)
