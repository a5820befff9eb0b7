"""The one verb: validate."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from pyratify.core.caching import ContentCache, SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.content import Content
from pyratify.core.deadline import due
from pyratify.core.decision import ask, deny
from pyratify.core.descriptor import Descriptor
from pyratify.core.discovery import NoVerifier
from pyratify.core.errors import ConfigurationError, Failure, RatifyError, StoreError
from pyratify.core.isolation import as_failure, from_store, internal, is_caller_cancellation
from pyratify.core.large_documents import LARGE_ARTIFACTS
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy, PolicyEnforcer, Subject
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
from pyratify.core.store import Store
from pyratify.core.verifier import Verifier
from pyratify.core.walk import Walk

DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Validates references of its scopes with one store, some verifiers and at most one policy.

    Attributes:
        store: Where artifacts are read from.
        verifiers: At least one, with distinct names.
        policy: Decides; without one the decision is always NONE.
        limits: Bounds on the work of one validation.
        concurrency: How many artifacts are examined at the same time.
        timeout: Seconds for one validation; None for no limit.
        cache: The engine's content cache.
        partition: Separates content in the cache that different credentials may read.
        clock: Measures the deadline; the store's own clock, so that both agree how much time is left.

    Raises:
        ConfigurationError: No verifier, two of one name, a concurrency below one, or a timeout that is not above zero.
    """

    store: Store
    verifiers: tuple[Verifier, ...]
    policy: PolicyEnforcer = field(default_factory=NoPolicy)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = DEFAULT_CONCURRENCY
    timeout: float | None = None
    cache: ContentCache | None = None
    partition: str = ""
    clock: Clock = field(default_factory=SystemClock)
    _flights: SingleFlight[bytes] = field(default_factory=SingleFlight, init=False, repr=False)
    _places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LARGE_ARTIFACTS), init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        names = [verifier.name for verifier in self.verifiers]
        if not names:
            raise ConfigurationError("an executor needs at least one verifier")
        # Policies name verifiers: of two with one name, the weaker would satisfy the rule for the other.
        if len(set(names)) != len(names) or not all(names):
            raise ConfigurationError("every verifier needs a name of its own")
        if self.concurrency < 1:
            raise ConfigurationError("concurrency is at least 1")
        # Written as a negation, so that NaN is refused too.
        if self.timeout is not None and not self.timeout > 0:
            raise ConfigurationError("a timeout is more than 0 seconds, or there is none")

    @property
    def reads_tag(self) -> bool:
        """Whether a verdict depends on the tag that was asked for, and not on the digest alone."""
        return any(getattr(part, "reads_tag", False) is True for part in (self.policy, *self.verifiers))

    async def validate(self, reference: Reference, namespace: str = "") -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: The artifact; a tag is resolved once.
            namespace: The namespace that asks, for the policy; empty for none.

        Returns:
            The report, also when something could not be decided; only cancellation raises.
        """
        content = Content(self.store, self.limits, self.cache, self.partition, self._flights, self._places)
        # A walk for each call: concurrent validations share flights and slots, but no findings.
        walk = Walk(content, self._by_name(), self.policy, self.concurrency)
        error: Failure | None = None
        verdict = Verdict(Decision.DENY)
        try:
            async with asyncio.timeout(self.timeout) as deadline:
                # Beside the time-out: stores do not start what the time-out would only cut off.
                with due(self._due()):
                    descriptor = await walk.run(reference)
                    subject = Subject(reference, descriptor, namespace, self.clock.now())
                    verdict = await self._decide(walk, subject)
        except RatifyError as fault:
            error = as_failure(fault)
        except BaseException as fault:  # a defect of a store or policy becomes an error, never a verdict
            # An interrupt or a cancellation belongs to the caller; turned into a result, it would be lost.
            if is_caller_cancellation(fault):
                raise
            error = internal(fault)
            if deadline.expired():
                error = self._late()
        return _conclude(reference, walk, verdict, error)

    async def discover(self, reference: Reference) -> ValidationResult:
        """Report everything that is attached, as `validate` does, and verify and decide nothing."""
        return await replace(self, verifiers=(NoVerifier(),), policy=NoPolicy()).validate(reference)

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference stands for.

        Raises:
            StoreError: And nothing else; `TIMEOUT` where the store takes longer than one validation may.
        """
        try:
            async with asyncio.timeout(self.timeout):
                with due(self._due()):
                    return await from_store(partial(self.store.resolve, reference))
        except TimeoutError:
            late = self._late()
            raise StoreError(late.reason, late.message) from None

    def _due(self) -> float:
        return math.inf if self.timeout is None else self.clock.monotonic() + self.timeout

    def _late(self) -> Failure:
        reason = Reason.TIMEOUT
        return Failure(reason, f"not finished within {self.timeout} seconds", reason.remedy)

    def _by_name(self) -> Mapping[str, Verifier]:
        return {verifier.name: verifier for verifier in self.verifiers}

    async def _decide(self, walk: Walk, subject: Subject) -> Verdict:
        reports = tuple(walk.reports)
        verdict = await ask(self.policy, subject, reports)
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


def _gap(reports: tuple[ArtifactReport, ...]) -> Failure | None:
    return next(
        (
            failure
            for outcome, failure in failures(reports)
            if outcome is Outcome.INCONCLUSIVE and failure.reason.is_gap
        ),
        None,
    )
