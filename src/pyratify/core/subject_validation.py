"""Validates one subject: walks what is attached to it, and lets the policy decide."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from functools import partial
from typing import TypeVar

from pyratify.core.clock import Clock
from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.decision import ask, deny
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, RatifyError, VerificationError
from pyratify.core.isolation import as_failure, internal, is_caller_cancellation
from pyratify.core.listed_by import ListedBy
from pyratify.core.policy import Image, PolicyEnforcer, Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import (
    ArtifactReport,
    Decision,
    Outcome,
    ValidationResult,
    Verdict,
    failures,
)
from pyratify.core.verifier import Verifier
from pyratify.core.walk import Walk

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
        namespace: The namespace that asks, for the policy.
        clock: The time for the policy.
    """

    content: Content
    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer
    concurrency: int
    timeout: float | None
    namespace: str
    clock: Clock
    _ends: float | None = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)
        # One moment for all subjects: with a time for each, an index could take many times as long.
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
        judged = await self.attempt(partial(self._judge, walk, reference, subject))
        if isinstance(judged, Failure):
            return _conclude(reference, walk, Verdict(Decision.DENY), judged)
        return _conclude(reference, walk, judged, None)

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T | Failure:
        """Return the result of work, or why it failed; only cancellation raises."""
        try:
            async with asyncio.timeout_at(self._ends) as deadline:
                return await work()
        except RatifyError as fault:
            return as_failure(fault)
        except BaseException as fault:  # a defect of a store or policy becomes an error, never a verdict
            # An interrupt or a cancellation belongs to the caller; turned into a result, it would be lost.
            if is_caller_cancellation(fault):
                raise
            return late(self.timeout) if deadline.expired() else internal(fault)

    async def _images(self, reference: Reference, subject: Descriptor) -> tuple[Image, ...]:
        # Exactly True: nothing else that a plugin may have there costs requests.
        if getattr(self.policy, "reads_image", False) is not True:
            return ()
        # Lazy: few policies ask for it.
        from pyratify.core.image_config import read_images

        return await read_images(self.content, reference.at(subject.digest), subject, self.concurrency)

    async def _judge(self, walk: Walk, reference: Reference, known: Descriptor | None) -> Verdict:
        subject = await walk.run(reference, known)
        reports = tuple(walk.reports)
        try:
            images = await self._images(reference, subject)
        except VerificationError as error:
            # A malformed configuration is the publisher's fault: denied, not undecided.
            return deny(error.reason, error.message, error.remedy)
        asked = Subject(reference, subject, self.namespace, self.clock.now(), images)
        verdict = await ask(self.policy, asked, reports)
        # What a limit left unseen may be what would deny: only an ALLOW that nothing can change holds.
        if walk.limits and verdict.decision is Decision.ALLOW and not walk.is_settled():
            limit = walk.limits[0]
            return deny(limit.reason, limit.message, limit.remedy)
        return verdict


def _conclude(reference: Reference, walk: Walk, verdict: Verdict, error: Failure | None) -> ValidationResult:
    reports = tuple(walk.reports)
    failure = verdict.failure
    if error is not None:
        # The tree is incomplete, or there is no verdict.
        verdict, failure = Verdict(Decision.DENY), None
    elif verdict.decision is Decision.DENY:
        # What could not be read may be the evidence that is missing: undecided, not denied.
        error = _gap(reports)
        failure = (walk.limits[0] if walk.limits else failure) if error is None else None
    return ValidationResult(
        reference,
        walk.subject,
        verdict.decision,
        failure,
        error,
        reports,
        walk.limits,
        valid_until=verdict.valid_until,
    )


def late(timeout: float | None) -> Failure:
    """Return why a validation that took longer than its time failed."""
    reason = Reason.TIMEOUT
    return Failure(reason, f"not finished within {timeout} seconds", reason.remedy)


def _gap(reports: tuple[ArtifactReport, ...]) -> Failure | None:
    return next(
        (
            failure
            for outcome, failure in failures(reports)
            if outcome is Outcome.INCONCLUSIVE and failure.reason.is_gap
        ),
        None,
    )
