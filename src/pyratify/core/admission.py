"""Work within bounds: how much of it one registry may occupy, and early refusals of what could not end in time.

Only what needs a registry is counted. What is remembered, malformed or out of scope needs none and never waits here.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyratify.core.clock import Clock
from pyratify.core.deadline import time_left
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason

_SMOOTHING = 0.2  # how much the last piece of work says about the next one
_SHARED_PART = 0.75  # of all work; the rest is for registries that have little under way
_PATIENCE = 0.9  # of the time in which a turn would have to come
_QUEUES = 4  # that may be full at the same time
_LITTLE = 8  # a registry has little under way with less than an eighth of what it may have


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """How much is worked on at the same time; a piece of work is one evaluation, or one tag that is resolved.

    Attributes:
        total: The most for all registries together.
        registry: The most for one registry.
        waiting: The most that wait for one registry; for all together four times as many.

    Raises:
        ConfigurationError: One of them is below one.
    """

    total: int = 512
    registry: int = 64
    waiting: int = 256

    def __post_init__(self) -> None:
        if min(self.total, self.registry, self.waiting) < 1:
            raise ConfigurationError("a limit of work is at least 1")


@dataclass(slots=True)
class _Queue:
    """One registry's work.

    Attributes:
        running: When each piece that is under way began; the first first.
        waiting: What waits for its turn; the first first.
        pace: How many seconds a piece takes, the last ones counted most.
    """

    running: dict["asyncio.Future[None]", float] = field(default_factory=dict)
    waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)
    pace: float = 0.0

    def seconds(self, now: float) -> float:
        """Return how many seconds a piece takes, as far as can be told."""
        oldest = next(iter(self.running.values()), now)
        return max(self.pace, now - oldest)


class Admission:
    """Lets work begin within limits; a slow registry occupies its own share and no other's.

    Args:
        clock: Whose monotonic time counts.
        limits: How much at the same time.

    Attributes:
        waiting: How many pieces of work wait for their turn.
        refused: How many were refused.
    """

    def __init__(self, clock: Clock, limits: WorkLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or WorkLimits()
        self._queues: dict[str, _Queue] = {}
        self._running = 0
        self.waiting = 0
        self.refused = 0

    @asynccontextmanager
    async def work(self, registry: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the context is open.

        Args:
            registry: The registry that is asked.

        Raises:
            StoreError: `REGISTRY_BUSY` or `BUSY`: it could not end before it is due, or too much waits already.
        """
        queue = self._queues.setdefault(registry, _Queue())
        if queue.waiting or not self._fits(queue):
            turn = await self._turn(registry, queue)
        else:
            turn = asyncio.get_running_loop().create_future()
            self._begin(queue, turn)
        try:
            yield
        finally:
            self._end(registry, queue, turn)

    def _fits(self, queue: _Queue) -> bool:
        limits, running = self._limits, len(queue.running)
        if running >= limits.registry or self._running >= limits.total:
            return False
        return self._running < limits.total * _SHARED_PART or running * _LITTLE < limits.registry

    def _begin(self, queue: _Queue, turn: "asyncio.Future[None]") -> None:
        queue.running[turn] = self._clock.monotonic()
        self._running += 1

    def _end(self, registry: str, queue: _Queue, turn: "asyncio.Future[None]") -> None:
        seconds = self._clock.monotonic() - queue.running.pop(turn)
        queue.pace += _SMOOTHING * (seconds - queue.pace) if queue.pace else seconds
        self._running -= 1
        if self.waiting:
            self._next()
        if not queue.running and not queue.waiting:
            self._queues.pop(registry, None)

    async def _turn(self, registry: str, queue: _Queue) -> "asyncio.Future[None]":
        """Wait until a turn is given."""
        now = self._clock.monotonic()
        pace, left = queue.seconds(now), time_left(self._clock)
        ahead = (len(queue.waiting) + 1) / self._limits.registry
        most = self._limits.waiting
        full = len(queue.waiting) >= most or self.waiting >= most * _QUEUES
        if full or pace * (1 + ahead) >= left:
            raise self._refusal(registry, queue)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append(turn)
        self.waiting += 1
        try:
            async with asyncio.timeout(None if left == math.inf else (left - pace) * _PATIENCE):
                await turn
        except TimeoutError:
            raise self._refusal(registry, queue) from None
        except asyncio.CancelledError:
            if turn in queue.running:
                self._end(registry, queue, turn)
            raise
        finally:
            if turn in queue.waiting:
                queue.waiting.remove(turn)
                self.waiting -= 1
        return turn

    def _next(self) -> None:
        """Give a turn to what waits, first to a registry that has least under way."""
        for queue in sorted(self._queues.values(), key=lambda one: len(one.running)):
            if queue.waiting and self._fits(queue):
                turn = queue.waiting.popleft()
                self.waiting -= 1
                self._begin(queue, turn)
                turn.set_result(None)
                return

    def _refusal(self, registry: str, queue: _Queue) -> StoreError:
        self.refused += 1
        running, seconds = len(queue.running), queue.seconds(self._clock.monotonic())
        if running < self._limits.registry:
            message = f"{self._running} images of all registries are being worked on"
            return StoreError(Reason.BUSY, message)
        return StoreError(
            Reason.REGISTRY_BUSY,
            f"{running} images of {registry} are being worked on and {len(queue.waiting)} wait;"
            f" at {seconds:.1f} seconds each this one could not be answered in time",
        )
