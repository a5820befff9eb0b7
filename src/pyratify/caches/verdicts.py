"""Verdicts that are remembered for a short time: by digest, generation of the configuration, and namespace.

A verdict is never kept under a tag: what a tag names is asked again for every verdict. Errors are not kept at all.
"""

import asyncio
import math
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pyratify.core.admission import Admission
from pyratify.core.caching import ExpiringCache, SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine, Lifetime
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.isolation import end, from_store
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome, ValidationResult, failures, walk
from pyratify.core.shared_verdicts import Question, SharedVerdicts
from pyratify.core.telemetry import SILENCE, Observer, asking_for
from pyratify.core.weigh import ENTRY, weigh

UNDECIDED = "UNDECIDED"
_MAX_WRITES = 64
_SHARE = 8  # no verdict takes more than this part of the memory
_TAGS = 8  # what tags resolved to takes so much less than verdicts
_SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long what was found out is remembered, in seconds; 0 for not at all.

    Attributes:
        allowed: A verdict that allows.
        denied: A verdict that denies; short, because the publisher may sign at any time.
        tags: What a tag resolved to, where no verdict depends on it.

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
    """Asks engines, remembers what they decide, and lets equal questions at the same time share one evaluation.

    Args:
        clock: Whose monotonic time counts.
        lifetimes: How long what is remembered.
        max_weight: How many bytes all remembered verdicts may hold, with everything that they report; a verdict that would
            take more than an eighth of them is not remembered.
        shared: Where verdicts are shared with other processes; asked once for what is not remembered here.
        observer: Watches every verdict.
        admission: Bounds the work; one with the usual limits when omitted.

    Attributes:
        admission: Bounds the work.
        hits: How many verdicts were remembered here.
        misses: How many were evaluated.
        shared_hits: How many another process had found.
        tag_hits: How many tags were remembered, of those that no verdict depends on.
        tag_misses: How many were asked for.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        lifetimes: Lifetimes | None = None,
        max_weight: int = 48 * MIB,
        shared: SharedVerdicts | None = None,
        *,
        observer: Observer = SILENCE,
        admission: Admission | None = None,
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
        self.admission = admission or Admission(clock)
        self._writing: set[asyncio.Task[None]] = set()
        self.hits = 0
        self.misses = 0
        self.shared_hits = 0
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
        """How many callers wait for an evaluation that another one began."""
        return self._evaluating.waiting

    @property
    def weight(self) -> int:
        """How many bytes the remembered verdicts hold."""
        return self._verdicts.weight

    def sweep(self) -> None:
        """Forget what is over: verdicts and tags whose time it is, and those of configurations that are not in use any more.

        Done every few seconds while anything is remembered, also where nothing is asked.
        """
        self._engines = {name: each for name, each in self._engines.items() if not each.closed}
        for cache in (self._verdicts, self._tags):
            cache.sweep(lambda key: not isinstance(key, tuple) or key[0] not in self._engines)

    async def flush(self) -> None:
        """Wait until every verdict that was evaluated so far is written to the shared cache, or cannot be."""
        await asyncio.gather(*self._writing)

    async def aclose(self) -> None:
        """End what is still being told to other processes."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await end(*self._writing)

    async def validate(self, engine: Engine, reference: Reference, namespace: str = "") -> ValidationResult:
        """Return the engine's answer for a reference, evaluated now or a short time ago for the same digest.

        Args:
            engine: Whom to ask; nothing is remembered of one that has no generation.
            reference: What to validate; a tag is resolved anew every time.
            namespace: The tenant that asks; tenants share nothing.
        """
        with asking_for(namespace), self._observer.span("verdict", repository=reference.name) as span:
            result = await self._validate(engine, reference, namespace)
            if result.subject is not None:
                span.tell(digest=result.subject.digest)
            if result.error is not None:
                span.tell(error=result.error.reason.value)
            span.tell(decision=result.decision.value if result.error is None else UNDECIDED)
            return result

    async def _validate(self, engine: Engine, reference: Reference, namespace: str) -> ValidationResult:
        executor = engine.executors.match(reference)
        if executor is None:
            return await engine.validate(reference)
        where = f"{engine.generation}|{namespace}"
        try:
            digest = reference.digest or (await self._resolve(executor, reference, where)).digest
        except StoreError as error:
            return ValidationResult(reference, None, Decision.DENY, error=error.failure)
        pinned = reference.at(digest)
        if not engine.generation:
            return replace(await self._evaluate(executor, pinned), reference=reference)
        question = Question(engine.generation, namespace, pinned)
        self._engines[engine.generation] = engine.lifetime
        key = str(question)
        found = self._verdicts.get((engine.generation, key))
        self.hits += found is not None
        if found is None:
            shared = self._shared if engine.common else None
            found = await self._evaluating.run(key, partial(self._find, executor, question, shared))
        return replace(found, reference=reference)

    def remaining(self, engine: Engine, reference: Reference, namespace: str = "") -> float:
        """Return for how many seconds the verdict on a digest stays as it is; 0 where it is not remembered, or for a tag."""
        if not engine.generation or reference.digest is None:
            return 0.0
        question = Question(engine.generation, namespace, reference.at(reference.digest))
        return self._verdicts.remaining((engine.generation, str(question)))

    async def resolve(self, engine: Engine, reference: Reference, namespace: str = "") -> Descriptor:
        """Return what a reference names, asked now or a short time ago; no verdict depends on it.

        Raises:
            StoreError: `SCOPE_NO_MATCH`, or why it could not be resolved.
        """
        executor = engine.executors.match(reference)
        if executor is None:
            raise StoreError(Reason.SCOPE_NO_MATCH, f"no executor's scopes cover {reference.name}")
        where = f"{engine.generation}|{namespace}"
        key = (engine.generation, f"{where}|{reference}")
        found = self._tags.get(key)
        self.tag_hits += found is not None
        if found is None:
            self.tag_misses += 1
            with asking_for(namespace):
                found = await self._resolve(executor, reference, where)
            if engine.generation:
                self._engines[engine.generation] = engine.lifetime
                self._tags.put(key, found, self._lifetimes.tags, weigh((key, found)) + ENTRY)
                self._sweep_later()
        return found

    async def _resolve(self, executor: Executor, reference: Reference, where: str) -> Descriptor:
        ask = partial(from_store, partial(self._ask, executor, reference))
        return await (self._resolving.run(f"{where}|{reference}", ask) if where[0] != "|" else ask())

    async def _ask(self, executor: Executor, reference: Reference) -> Descriptor:
        async with self.admission.work(reference.registry):
            return await executor.store.resolve(reference)

    async def _evaluate(self, executor: Executor, reference: Reference) -> ValidationResult:
        try:
            async with self.admission.work(reference.registry):
                return await executor.validate(reference)
        except StoreError as error:  # no turn: an engine raises nothing
            return ValidationResult(reference, None, Decision.DENY, error=error.failure)

    async def _find(
        self, executor: Executor, question: Question, shared: SharedVerdicts | None
    ) -> ValidationResult:
        """Return what another process found, or evaluate and tell the others."""
        if shared is not None:
            found = await shared.get(question)
            if found is not None and self._keep(question, found.result, found.seconds) > 0:
                self.shared_hits += 1
                return found.result
        self.misses += 1
        result = await self._evaluate(executor, question.reference)
        seconds = self._keep(question, result)
        if shared is not None and seconds > 0 and len(self._writing) < _MAX_WRITES:
            task = asyncio.create_task(shared.put(question, result, seconds))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        return result

    def _keep(self, question: Question, result: ValidationResult, most: float = math.inf) -> float:
        """Remember a verdict; return for how many seconds, 0 where it is none or must not be used any more."""
        if result.reference != question.reference or not _is_final(result):
            return 0
        lifetime = self._lifetimes.allowed if result.succeeded else self._lifetimes.denied
        seconds = min(lifetime, most, _remaining(result, self._clock.now()))
        key = (question.generation, str(question))
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


def _is_final(result: ValidationResult) -> bool:
    """Tell whether asking again at once could not help: everything was decided, or enough of it."""
    if result.error is not None or result.subject is None or result.subject.digest != result.reference.digest:
        return False
    return result.succeeded or all(
        outcome is not Outcome.INCONCLUSIVE for outcome, _ in failures(result.artifacts)
    )


def _remaining(result: ValidationResult, now: datetime) -> float:
    """Return for how many seconds no time that the evidence depends on will have come."""
    ends = (
        item.details.valid_until
        for report in walk(result.artifacts)
        for item in report.results
        if item.details is not None and item.details.valid_until is not None
    )
    return min(((end - now).total_seconds() for end in ends), default=math.inf)
