"""Validates one subject: walks what is attached to it, and lets the policy decide."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, RatifyError
from pyratify.core.isolation import describe, internal, is_caller_cancellation
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import (
    ArtifactReport,
    Decision,
    Outcome,
    ValidationResult,
    Verdict,
    failures,
    flatten,
)
from pyratify.core.verifier import Verifier
from pyratify.core.walk import ListedBy, Walk

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class SubjectValidator:
    """Validates the subjects of one validation, all within its time.

    Attributes:
        content: Reads and checks all content.
        verifiers: The executor's verifiers by name.
        policy: Decides.
        concurrency: How many artifacts of all subjects together are examined at the same time.
        timeout: Seconds from now for all subjects together; None for no limit.
    """

    content: Content
    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer
    concurrency: int
    timeout: float | None
    _ends: float | None = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)
        self._ends = None if self.timeout is None else asyncio.get_running_loop().time() + self.timeout

    async def validate(
        self, reference: Reference, subject: Descriptor | None = None, listed_by: ListedBy | None = None
    ) -> ValidationResult:
        """Return the result for one subject; only cancellation raises.

        Args:
            reference: The subject; a tag is resolved once.
            subject: What it resolves to, where that is known.
            listed_by: The index through which it is examined.
        """
        # A walk for each call: they share flights and slots, but no findings.
        walk = Walk(self.content, self.verifiers, self.policy, self.concurrency, listed_by, self._slots)
        error = await self.attempt(partial(walk.run, reference, subject))
        return self._conclude(reference, walk, error)

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T | Failure:
        """Return the result of work, or why it failed; only cancellation raises."""
        try:
            async with asyncio.timeout_at(self._ends) as deadline:
                return await work()
        except RatifyError as fault:
            return fault.failure
        except BaseException as fault:  # a defect of a store or policy becomes an error, never a verdict
            # An interrupt or a cancellation belongs to the caller; turned into a result, it would be lost.
            if is_caller_cancellation(fault):
                raise
            return late(self.timeout) if deadline.expired() else internal(fault)

    def _conclude(self, reference: Reference, walk: Walk, error: Failure | None) -> ValidationResult:
        reports = tuple(walk.reports)
        # An error denies without asking the policy: it would judge an incomplete tree.
        verdict = Verdict(Decision.DENY) if error else self._decide(reports)
        failure = verdict.failure
        if verdict.decision is Decision.DENY and error is None:
            # What could not be read may be the evidence that is missing: undecided, not denied.
            error = _gap(reports)
            failure = (walk.limits[0] if walk.limits else failure) if error is None else None
        return ValidationResult(
            reference, walk.subject, verdict.decision, failure, error, reports, walk.limits
        )

    def _decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        try:
            verdict = _checked(self.policy.decide(reports))
        except BaseException as fault:  # a policy that raises denies
            if is_caller_cancellation(fault):
                raise
            return _deny(Reason.POLICY_ERROR, f"the policy failed: {describe(fault)}")
        # Whatever a policy plugin returns: without evidence nothing is allowed.
        passed = any(result.passed for report in flatten(reports) for result in report.results)
        if verdict.decision is Decision.ALLOW and not passed:
            return _deny(Reason.NO_EVIDENCE, "the policy would allow this without any evidence that passed")
        return verdict


def late(timeout: float | None) -> Failure:
    """Return why a validation that took longer than its time failed."""
    reason = Reason.TIMEOUT
    return Failure(reason, f"not finished within {timeout} seconds", reason.remedy)


def _checked(verdict: object) -> Verdict:
    # Policies are plugins: `True` in place of a verdict must not allow.
    if not isinstance(verdict, Verdict) or not isinstance(verdict.decision, Decision):
        raise TypeError(f"it returned {type(verdict).__name__} and no verdict")
    return verdict


def _deny(reason: Reason, message: str) -> Verdict:
    return Verdict(Decision.DENY, Failure(reason, message, reason.remedy))


def _gap(reports: tuple[ArtifactReport, ...]) -> Failure | None:
    return next(
        (
            failure
            for outcome, failure in failures(reports)
            if outcome is Outcome.INCONCLUSIVE and failure.reason.is_gap
        ),
        None,
    )
