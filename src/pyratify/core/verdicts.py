"""Verdicts that are remembered for a short time: by digest, generation of the configuration, and namespace.

A verdict is never kept under a tag: what a tag names is asked again for every verdict. Errors are not kept at all.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from pyratify.core.caching import SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.guard import from_store
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome, ValidationResult, failures, walk

T = TypeVar("T")


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


class ExpiringCache(Generic[T]):
    """Values that are forgotten after their time, and those not used for longest when there are too many.

    Args:
        clock: Whose monotonic time counts; a wall clock that is set back prolongs nothing.
        max_weight: The most that all values together may weigh.
    """

    def __init__(self, clock: Clock, max_weight: int) -> None:
        self._clock = clock
        self._max_weight = max_weight
        self._entries: OrderedDict[str, tuple[float, int, T]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        """Return the number of values, those whose time is over included."""
        return len(self._entries)

    def get(self, key: str) -> T | None:
        """Return the value, or None when there is none or its time is over."""
        found = self._entries.get(key)
        if found is None:
            return None
        if self._clock.monotonic() >= found[0]:
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return found[2]

    def remaining(self, key: str) -> float:
        """Return for how many seconds a value is still remembered; 0 when there is none."""
        found = self._entries.get(key)
        return 0.0 if found is None else max(0.0, found[0] - self._clock.monotonic())

    def put(self, key: str, value: T, seconds: float, weight: int = 1) -> None:
        """Remember the value for that many seconds, or not at all when that is 0 or it weighs too much."""
        self._forget(key)
        if seconds <= 0 or weight > self._max_weight:
            return
        self._entries[key] = (self._clock.monotonic() + seconds, weight, value)
        self._weight += weight
        while self._weight > self._max_weight:
            self._forget(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._weight = 0

    def _forget(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._weight -= found[1]


class Verdicts:
    """Asks engines, remembers what they decide, and lets equal questions at the same time share one evaluation.

    Args:
        clock: Whose monotonic time counts.
        lifetimes: How long what is remembered.
        max_weight: How many artifacts all remembered verdicts may report together, each verdict counted as one more.
    """

    def __init__(
        self, clock: Clock | None = None, lifetimes: Lifetimes | None = None, max_weight: int = 32768
    ) -> None:
        self._clock = clock = clock or SystemClock()
        self._lifetimes = lifetimes or Lifetimes()
        self._verdicts = ExpiringCache[ValidationResult](clock, max_weight)
        self._tags = ExpiringCache[Descriptor](clock, max_weight)
        self._evaluating = SingleFlight[ValidationResult]()
        self._resolving = SingleFlight[Descriptor]()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many verdicts are remembered."""
        return len(self._verdicts)

    def forget(self) -> None:
        """Forget everything, as when the configuration was replaced."""
        self._verdicts.clear()
        self._tags.clear()

    async def validate(self, engine: Engine, reference: Reference, namespace: str = "") -> ValidationResult:
        """Return the engine's answer for a reference, evaluated now or a short time ago for the same digest.

        Args:
            engine: Whom to ask; nothing is remembered of one that has no generation.
            reference: What to validate; a tag is resolved anew every time.
            namespace: The tenant that asks; tenants share nothing.
        """
        executor = engine.executors.match(reference)
        if executor is None:
            return await engine.validate(reference)
        where = f"{engine.generation}|{namespace}"
        try:
            digest = reference.digest or (await self._resolve(executor, reference, where)).digest
        except StoreError as error:
            return ValidationResult(reference, None, Decision.DENY, error=error.failure)
        pinned = reference.at(digest)
        key = f"{where}|{pinned}"
        if not engine.generation:
            return replace(await executor.validate(pinned), reference=reference)
        found = self._verdicts.get(key)
        self.hits += found is not None
        if found is None:
            found = await self._evaluating.run(key, partial(self._evaluate, executor, pinned, key))
        return replace(found, reference=reference)

    def remaining(self, engine: Engine, reference: Reference, namespace: str = "") -> float:
        """Return for how many seconds the verdict on a digest stays as it is; 0 where it is not remembered, or for a tag."""
        if not engine.generation or reference.digest is None:
            return 0.0
        return self._verdicts.remaining(f"{engine.generation}|{namespace}|{reference.at(reference.digest)}")

    async def resolve(self, engine: Engine, reference: Reference, namespace: str = "") -> Descriptor:
        """Return what a reference names, asked now or a short time ago; no verdict depends on it.

        Raises:
            StoreError: `SCOPE_NO_MATCH`, or why it could not be resolved.
        """
        executor = engine.executors.match(reference)
        if executor is None:
            raise StoreError(Reason.SCOPE_NO_MATCH, f"no executor's scopes cover {reference.name}")
        where = f"{engine.generation}|{namespace}"
        found = self._tags.get(f"{where}|{reference}")
        if found is None:
            found = await self._resolve(executor, reference, where)
            if engine.generation:
                self._tags.put(f"{where}|{reference}", found, self._lifetimes.tags)
        return found

    async def _resolve(self, executor: Executor, reference: Reference, where: str) -> Descriptor:
        ask = partial(from_store, partial(executor.store.resolve, reference))
        return await (self._resolving.run(f"{where}|{reference}", ask) if where[0] != "|" else ask())

    async def _evaluate(self, executor: Executor, pinned: Reference, key: str) -> ValidationResult:
        self.misses += 1
        result = await executor.validate(pinned)
        seconds = self._lifetimes.allowed if result.succeeded else self._lifetimes.denied
        if _is_final(result):
            seconds = min(seconds, _remaining(result, self._clock.now()))
            weight = 1 + sum(1 for _ in walk(result.artifacts))
            self._verdicts.put(key, result, seconds, weight)
        return result


def _is_final(result: ValidationResult) -> bool:
    """Tell whether asking again at once could not help: everything was decided, or enough of it."""
    if result.error is not None or result.subject is None:
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
