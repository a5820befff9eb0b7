"""A cache of verdicts for a short time, by digest, generation of the configuration, namespace and credentials.

A verdict is never kept under a tag: the tag is resolved anew for every verdict. Errors are not kept.
"""

import asyncio
import math
from dataclasses import replace
from functools import partial

from pyratify.caches.verdict_lifetime import is_final, remaining_evidence
from pyratify.core.caching import ExpiringCache, SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine, Lifetime
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.isolation import as_failure, end, from_store
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.shared_verdicts import SharedVerdicts, VerdictKey
from pyratify.core.telemetry import NULL_OBSERVER, Observer, for_namespace
from pyratify.core.weigh import ENTRY, weigh
from pyratify.core.work_limiter import WorkLimiter

UNDECIDED = "UNDECIDED"
_MAX_WRITES = 64
_SHARE = 8  # no verdict may weigh more than this fraction of all
_TAGS = 8  # the fraction of the memory of verdicts that resolved tags may take besides
_SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Lifetimes of cached results in seconds; 0 for not at all.

    Attributes:
        allowed: A verdict that allows.
        denied: A verdict that denies; short, because the publisher may sign at any time.
        tags: What a tag resolved to, for `Verdicts.resolve`; no verdict depends on it.

    Raises:
        ConfigurationError: One of them is negative or not finite.
    """

    allowed: float = 5.0
    denied: float = 2.0
    tags: float = 2.0

    def __post_init__(self) -> None:
        if not all(0 <= seconds < 86400 for seconds in (self.allowed, self.denied, self.tags)):
            raise ConfigurationError("a lifetime is from 0 to 86400 seconds", path="cache")


class Verdicts:
    """Validates through engines, caches their verdicts, and shares one evaluation among equal concurrent requests.

    Args:
        clock: Its monotonic time counts.
        lifetimes: How long each kind of result is kept.
        max_weight: How many bytes all cached verdicts may hold, reports included; a verdict that would take more than an
            eighth of them is not cached.
        shared: The cache shared with other processes; looked up once for a verdict that is not cached here.
        observer: Records every verdict as a span.
        admission: Bounds the work; the default limits when omitted.

    Attributes:
        admission: Bounds the work.
        hits: Verdicts found in this cache.
        misses: Verdicts that were evaluated.
        tag_hits: Tags found in this cache, by `resolve`.
        tag_misses: Tags that `resolve` looked up in a registry.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        lifetimes: Lifetimes | None = None,
        max_weight: int = 48 * MIB,
        shared: SharedVerdicts | None = None,
        *,
        observer: Observer = NULL_OBSERVER,
        admission: WorkLimiter | None = None,
    ) -> None:
        self._clock = clock = clock or SystemClock()
        self._lifetimes = lifetimes or Lifetimes()
        self._verdicts = ExpiringCache[ValidationResult](clock, max_weight)
        self._tags = ExpiringCache[Descriptor](clock, max_weight // _TAGS)
        self._heaviest = max_weight // _SHARE
        self._engines: dict[str, Lifetime] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._evaluating = SingleFlight[ValidationResult]()
        self._resolving = SingleFlight[Descriptor]()
        self._shared = shared
        self.admission = admission or WorkLimiter(clock)
        self._writing: set[asyncio.Task[None]] = set()
        self.hits = 0
        self.misses = 0
        self.tag_hits = 0
        self.tag_misses = 0
        self._observer = observer

    def __len__(self) -> int:
        """Return how many verdicts are remembered."""
        return len(self._verdicts)

    @property
    def under_way(self) -> int:
        """How many evaluations are under way."""
        return len(self._evaluating)

    @property
    def waiting(self) -> int:
        """How many callers wait for an evaluation that another one started."""
        return self._evaluating.waiting

    @property
    def weight(self) -> int:
        """How many bytes the remembered verdicts hold."""
        return self._verdicts.weight

    def sweep(self) -> None:
        """Evict verdicts and tags that have expired, and those of configurations that are no longer in use.

        Runs every few seconds while anything is cached, so that an idle server gives the memory back.
        """
        self._engines = {name: each for name, each in self._engines.items() if not each.closed}
        for cache in (self._verdicts, self._tags):
            cache.sweep(lambda key: isinstance(key, VerdictKey) and key.generation not in self._engines)

    async def flush(self) -> None:
        """Wait until every verdict that was evaluated so far is written to the shared cache, or cannot be."""
        await asyncio.gather(*self._writing)

    async def aclose(self) -> None:
        """Cancel the writes to the shared cache that are under way."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await end(*self._writing)

    async def validate(
        self,
        engine: Engine,
        reference: Reference,
        namespace: str = "",
        credentials: CredentialScope = CONFIGURED,
    ) -> ValidationResult:
        """Return the engine's result for a reference, evaluated now or a short time ago for the same digest.

        Args:
            engine: The engine; results of one without a generation are not cached.
            reference: What to validate; a tag is resolved anew every time.
            namespace: The tenant; tenants share no verdicts.
            credentials: What the registry is read with; no verdict is shared with other credentials.
        """
        with for_namespace(namespace), self._observer.span("verdict", repository=reference.name) as span:
            result = await self._validate(engine, reference, namespace, credentials)
            if result.subject is not None:
                span.set_attributes(digest=result.subject.digest)
            if result.error is not None:
                span.set_attributes(error=result.error.reason.value)
            span.set_attributes(decision=result.decision.value if result.error is None else UNDECIDED)
            return result

    async def _validate(
        self, engine: Engine, reference: Reference, namespace: str, credentials: CredentialScope
    ) -> ValidationResult:
        executor = engine.executors.match(reference)
        # Nothing is kept: requests choose the references, and a denial without work is cheap.
        if executor is None:
            return await engine.validate(reference)
        executor = executor.with_credentials(credentials)
        key = VerdictKey(engine.generation, namespace, reference, credentials.identity)
        try:
            digest = reference.digest or (await self._resolve(executor, key)).digest
        except StoreError as error:
            return ValidationResult(reference, None, Decision.DENY, error=as_failure(error))
        key = replace(key, reference=executor.pinned(reference, digest))
        # Without a generation configurations cannot be told apart: nothing is kept.
        if not engine.generation:
            return replace(await self._evaluate(executor, key), reference=reference)
        self._engines[engine.generation] = engine.lifetime
        found = self._verdicts.get(key)
        self.hits += found is not None
        if found is None:
            shared = self._shared if engine.common else None
            found = await self._evaluating.run(key, partial(self._find, executor, key, shared))
        return replace(found, reference=reference)

    def remaining(self, engine: Engine, reference: Reference, namespace: str = "") -> float:
        """Return for how many seconds the verdict on a digest stays cached; 0 for a tag, and where it is not cached."""
        executor = engine.executors.match(reference)
        if executor is None or not engine.generation or reference.digest is None:
            return 0.0
        pinned = executor.pinned(reference, reference.digest)
        return self._verdicts.remaining(VerdictKey(engine.generation, namespace, pinned))

    async def resolve(
        self,
        engine: Engine,
        reference: Reference,
        namespace: str = "",
        credentials: CredentialScope = CONFIGURED,
    ) -> Descriptor:
        """Return what a reference names, resolved now or a short time ago; no verdict depends on it.

        Raises:
            StoreError: `SCOPE_NO_MATCH`, or why it could not be resolved.
        """
        executor = engine.executors.match(reference)
        if executor is None:
            raise StoreError(Reason.SCOPE_NO_MATCH, f"no executor's scopes cover {reference.name}")
        executor = executor.with_credentials(credentials)
        key = VerdictKey(engine.generation, namespace, reference, credentials.identity)
        found = self._tags.get(key)
        self.tag_hits += found is not None
        if found is None:
            self.tag_misses += 1
            with for_namespace(namespace):
                found = await self._resolve(executor, key)
            if engine.generation:
                self._engines[engine.generation] = engine.lifetime
                self._tags.put(key, found, self._lifetimes.tags, weigh((key, found)) + ENTRY)
                self._sweep_later()
        return found

    async def _resolve(self, executor: Executor, key: VerdictKey) -> Descriptor:
        ask = partial(from_store, partial(self._ask, executor, key.reference))
        # Engines without a generation cannot be told apart by it: they share no work.
        return await (self._resolving.run(key, ask) if key.generation else ask())

    async def _ask(self, executor: Executor, reference: Reference) -> Descriptor:
        async with self.admission.work(reference.registry):
            return await executor.store.resolve(reference)

    async def _evaluate(self, executor: Executor, key: VerdictKey) -> ValidationResult:
        try:
            async with self.admission.work(key.reference.registry):
                return await executor.validate(key.reference, key.namespace)
        except StoreError as error:  # no turn: an engine raises nothing
            return ValidationResult(key.reference, None, Decision.DENY, error=as_failure(error))

    async def _find(
        self, executor: Executor, key: VerdictKey, shared: SharedVerdicts | None
    ) -> ValidationResult:
        """Return the verdict from the shared cache, or evaluate and store it there."""
        if shared is not None:
            found = await shared.get(key)
            # Held to the lifetimes of this process, whatever another one allows.
            if found is not None and self._keep(key, found.result, found.seconds) > 0:
                return found.result
        self.misses += 1
        result = await self._evaluate(executor, key)
        seconds = self._keep(key, result)
        # Bounded: a shared cache that hangs must not collect tasks.
        if shared is not None and seconds > 0 and len(self._writing) < _MAX_WRITES:
            task = asyncio.create_task(shared.put(key, result, seconds))
            self._writing.add(task)  # the event loop holds tasks weakly
            task.add_done_callback(self._writing.discard)
        return result

    def _keep(self, key: VerdictKey, result: ValidationResult, most: float = math.inf) -> float:
        """Cache a verdict; return for how many seconds, 0 where it is not final or has expired."""
        if result.reference != key.reference or not is_final(result):
            return 0
        lifetime = self._lifetimes.allowed if result.succeeded else self._lifetimes.denied
        seconds = min(lifetime, most, remaining_evidence(result, self._clock.now()))
        weight = weigh((key, result), self._heaviest) + ENTRY
        if weight <= self._heaviest:
            self._verdicts.put(key, result, seconds, weight)
            self._sweep_later()
        return max(seconds, 0)

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep_again)

    def _sweep_again(self) -> None:
        self._sweeping = None
        self.sweep()
        if self._verdicts or self._tags:
            self._sweep_later()
