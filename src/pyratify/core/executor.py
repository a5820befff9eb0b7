"""The one verb: validate."""

import asyncio
import hashlib
import math
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from pyratify.core.caching import ContentCache, ExpiringCache, SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.deadline import due
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.discovery import NoVerifier
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.isolation import from_store
from pyratify.core.large_documents import LARGE_ARTIFACTS
from pyratify.core.limits import Limits
from pyratify.core.platform_choice import PlatformChoice, PlatformMode, names_index
from pyratify.core.policy import NoPolicy, PolicyEnforcer
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.core.store import Store, with_credentials
from pyratify.core.subject_validation import SubjectValidator, late
from pyratify.core.verifier import Verifier

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope

DEFAULT_CONCURRENCY = 8
MAX_SCOPES, SCOPE_SECONDS = 128, 300.0
"""For how many scopes of credentials an executor remembers tokens, and for how long after their last use: a Secret that was deleted must go."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Validates references of its scopes with one store, some verifiers and at most one policy.

    Attributes:
        store: Where artifacts are read from.
        verifiers: At least one, with distinct names.
        policy: Decides; without one the decision is always NONE.
        platforms: What must have evidence where a reference names an image index.
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
    platforms: PlatformChoice = field(default_factory=PlatformChoice)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = DEFAULT_CONCURRENCY
    timeout: float | None = None
    cache: ContentCache | None = None
    partition: str = ""
    clock: Clock = field(default_factory=SystemClock)
    _flights: SingleFlight[bytes] = field(default_factory=SingleFlight, init=False, repr=False)
    # Initialised by name, so that executors made with `replace` share these bounds on memory, and never a download.
    _places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LARGE_ARTIFACTS), repr=False, compare=False
    )
    _beside: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(1), repr=False, compare=False
    )
    _scoped: "ExpiringCache[Executor]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_scoped", ExpiringCache(self.clock, MAX_SCOPES))
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

    def pinned(self, reference: Reference, digest: Digest) -> Reference:
        """Return what a verdict is remembered under: the digest, with the tag beside it only where the verdict depends on both."""
        # Beside a digest, the tag may name the image index that speaks for it.
        both = self.reads_tag or names_index(reference)
        return replace(reference, digest=digest) if both else reference.at(digest)

    def with_credentials(self, scope: "CredentialScope") -> "Executor":
        """Return the executor that reads with the credentials of a scope; itself where the scope has none.

        Whatever was read, listed, resolved or learnt with them stays there: in a store and a part of the cache of its own.
        """
        if not scope.identity:
            return self
        found = self._scoped.get(scope.identity)
        if found is None:
            # A digest, because a partition becomes part of keys whose parts are separated by characters.
            own = hashlib.sha256(scope.identity.encode()).hexdigest()
            store = with_credentials(self.store, scope)
            found = replace(self, store=store, partition=f"{self.partition}#{own}")
        # By the identity: a scope as the key would keep its Secret beside the one that the store reads with.
        self._scoped.put(scope.identity, found, SCOPE_SECONDS)
        return found

    def sweep(self) -> None:
        """Forget scopes of credentials that have not been used for long, so that an idle server holds no passwords."""
        self._scoped.sweep()

    async def validate(self, reference: Reference, namespace: str = "") -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: The artifact; a tag is resolved once.
            namespace: The namespace that asks, for the policy; empty for none.

        Returns:
            The report, also when something could not be decided; only cancellation raises.
        """
        content = Content(
            self.store,
            self.limits,
            self.cache,
            self.partition,
            self._flights,
            self._places,
            beside=self._beside,
        )
        subjects = SubjectValidator(
            content=content,
            verifiers={verifier.name: verifier for verifier in self.verifiers},
            policy=self.policy,
            concurrency=self.concurrency,
            timeout=self.timeout,
            namespace=namespace,
            clock=self.clock,
        )
        # Beside the time-out: stores do not start what the time-out would only cut off.
        with due(self._due()):
            if self.platforms.mode is PlatformMode.INDEX and not names_index(reference):
                return await subjects.validate(reference)
            # Lazy: start-up pays for it only where platforms are judged.
            from pyratify.core.index_reading import IndexReader
            from pyratify.core.platform_validation import PlatformValidation

            reader = IndexReader(content, self.concurrency)
            return await PlatformValidation(reader, self.platforms, subjects).validate(reference)

    async def discover(self, reference: Reference) -> ValidationResult:
        """Report everything that is attached, also to what an image index lists, and verify and decide nothing."""
        everything = PlatformChoice(PlatformMode.ANY)
        reader = replace(self, verifiers=(NoVerifier(),), policy=NoPolicy(), platforms=everything)
        return await reader.validate(reference)

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
            failure = late(self.timeout)
            raise StoreError(failure.reason, failure.message) from None

    def _due(self) -> float:
        return math.inf if self.timeout is None else self.clock.monotonic() + self.timeout
