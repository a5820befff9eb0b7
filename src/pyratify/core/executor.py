"""The one verb: validate."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyratify.core.caching import ContentCache, SingleFlight
from pyratify.core.content import Content
from pyratify.core.errors import ConfigurationError, Failure, RatifyError
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
)
from pyratify.core.store import Store
from pyratify.core.verifier import Verifier
from pyratify.core.walk import Walk

DEFAULT_CONCURRENCY = 8

# What the artifact's publisher cannot have caused: with such a gap in the evidence a DENY is not the last word.
_GAPS = frozenset(
    {
        Reason.REGISTRY_ERROR,
        Reason.REGISTRY_UNREACHABLE,
        Reason.REGISTRY_AUTH,
        Reason.TIMEOUT,
        Reason.DIGEST_MISMATCH,
        Reason.SIZE_MISMATCH,
        Reason.TLS_VERIFY,
        Reason.TLS_REQUIRED,
        Reason.CONTENT_ENCODING,
        Reason.REDIRECT_BLOCKED,
        Reason.SSRF_BLOCKED,
        Reason.AUTH_REALM_BLOCKED,
        Reason.AUTH_SCOPE,
        Reason.CREDENTIAL_SCOPE,
    }
)


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Validates references of its scopes with one store, some verifiers and at most one policy.

    Attributes:
        store: Where artifacts are read from.
        verifiers: At least one, with distinct names.
        policy: Who decides; without one the decision is always NONE.
        limits: Bounds on the work of one validation.
        concurrency: How many artifacts are looked at at the same time.
        timeout: Seconds for one validation; None for no limit.
        cache: The engine's content cache.
        partition: Keeps apart in the cache what different credentials may read.

    Raises:
        ConfigurationError: No verifier, two of one name, or a concurrency below one.
    """

    store: Store
    verifiers: tuple[Verifier, ...]
    policy: PolicyEnforcer = field(default_factory=NoPolicy)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = DEFAULT_CONCURRENCY
    timeout: float | None = None
    cache: ContentCache | None = None
    partition: str = ""
    _flights: SingleFlight[bytes] = field(default_factory=SingleFlight, repr=False)

    def __post_init__(self) -> None:
        names = [verifier.name for verifier in self.verifiers]
        if not names:
            raise ConfigurationError("an executor needs at least one verifier")
        if len(set(names)) != len(names) or not all(names):
            raise ConfigurationError("every verifier needs a name of its own")
        if self.concurrency < 1:
            raise ConfigurationError("concurrency is at least 1")

    async def validate(self, reference: Reference) -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: What to validate; a tag is resolved once.

        Returns:
            The report, also when something could not be decided; only cancellation raises.
        """
        content = Content(self.store, self.limits, self.cache, self.partition, self._flights)
        walk = Walk(content, self._by_name(), self.policy, self.concurrency)
        error: Failure | None = None
        try:
            async with asyncio.timeout(self.timeout):
                await walk.run(reference)
        except TimeoutError:
            error = Failure(
                Reason.TIMEOUT, f"not finished within {self.timeout} seconds", Reason.TIMEOUT.remedy
            )
        except RatifyError as fault:
            error = fault.failure
        except Exception as fault:  # noqa: BLE001 - a defect of a store or policy is a refusal, never an answer
            error = Failure(
                Reason.INTERNAL, f"unexpected {type(fault).__name__}: {fault}", Reason.INTERNAL.remedy
            )
        return self._conclude(reference, walk, error)

    def with_store(self, store: Store) -> "Executor":
        """Return the same executor over another store."""
        return replace(self, store=store)

    def _by_name(self) -> Mapping[str, Verifier]:
        return {verifier.name: verifier for verifier in self.verifiers}

    def _conclude(self, reference: Reference, walk: Walk, error: Failure | None) -> ValidationResult:
        reports = tuple(walk.reports)
        verdict = Verdict(Decision.DENY) if error else self._decide(reports)
        failure = verdict.failure
        if verdict.decision is Decision.DENY and error is None:
            error = _gap(reports)
            failure = (walk.limits[0] if walk.limits else failure) if error is None else None
        return ValidationResult(
            reference, walk.subject, verdict.decision, failure, error, reports, tuple(walk.limits)
        )

    def _decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        try:
            return self.policy.decide(reports)
        except Exception as fault:  # noqa: BLE001 - a policy that fails has not allowed anything
            failure = Failure(Reason.POLICY_ERROR, f"the policy failed: {fault}", Reason.POLICY_ERROR.remedy)
            return Verdict(Decision.DENY, failure)


def _gap(reports: tuple[ArtifactReport, ...]) -> Failure | None:
    return next(
        (
            failure
            for outcome, failure in failures(reports)
            if outcome is Outcome.INCONCLUSIVE and failure.reason in _GAPS
        ),
        None,
    )
