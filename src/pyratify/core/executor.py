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
from pyratify.core.descriptor import Descriptor
from pyratify.core.discovery import NoVerifier
from pyratify.core.errors import ConfigurationError, Failure, RatifyError, StoreError
from pyratify.core.isolation import (
    as_failure,
    describe,
    from_store,
    internal,
    is_caller_cancellation,
    release,
)
from pyratify.core.large_documents import LARGE_ARTIFACTS
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy, PolicyEnforcer
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
    def uses_tag(self) -> bool:
        """Whether a verdict may depend on the tag that was asked for, and not only on the digest."""
        return any(getattr(verifier, "uses_tag", False) is not False for verifier in self.verifiers)

    async def validate(self, reference: Reference) -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: The artifact; a tag is resolved once.

        Returns:
            The report, also when something could not be decided; only cancellation raises.
        """
        content = Content(self.store, self.limits, self.cache, self.partition, self._flights, self._places)
        # A walk for each call: concurrent validations share flights and slots, but no findings.
        walk = Walk(content, self._by_name(), self.policy, self.concurrency)
        error: Failure | None = None
        try:
            async with asyncio.timeout(self.timeout) as deadline:
                # Beside the time-out: stores do not start what the time-out would only cut off.
                with due(self._due()):
                    await walk.run(reference)
        except RatifyError as fault:
            error = as_failure(fault)
        except BaseException as fault:  # a defect of a store or policy becomes an error, never a verdict
            # An interrupt or a cancellation belongs to the caller; turned into a result, it would be lost.
            if is_caller_cancellation(fault):
                raise
            error = internal(fault)
            if deadline.expired():
                error = self._late()
        return self._conclude(reference, walk, error)

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
            release(fault)
            return _deny(Reason.POLICY_ERROR, f"the policy failed: {describe(fault)}")
        # Whatever a policy plugin returns: without evidence nothing is allowed.
        passed = any(result.passed for report in flatten(reports) for result in report.results)
        if verdict.decision is Decision.ALLOW and not passed:
            return _deny(Reason.NO_EVIDENCE, "the policy would allow this without any evidence that passed")
        return verdict


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
