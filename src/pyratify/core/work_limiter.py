"""Bounds the concurrent work of each registry, and refuses early what could not end in time.

Only work that needs a registry is counted. Cached, malformed and out-of-scope requests need none and never wait here.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import field

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.deadline import time_left
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.pace import Pace
from pyratify.core.reason import Reason

_SHARED_PART = 0.75  # of `total`; the rest is reserved for registries with little under way
_REQUEST_PART = 0.5  # of `registry`, for the keys of one request
_QUEUES = 4  # waiting queues that may be full at the same time
_LITTLE = 8  # "little" is less than an eighth of `registry`


# A context variable, as stores and plugins between the server and this limiter know no request.
_Request = Counter[str]  # how many pieces of one request are under way at which registry
_REQUEST: ContextVar[_Request | None] = ContextVar("request", default=None)


@contextmanager
def one_request() -> Iterator[None]:
    """Count the work of the present task, and of tasks that it starts, as that of one request."""
    token = _REQUEST.set(Counter())
    try:
        yield
    finally:
        _REQUEST.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """Bounds on concurrent work; a piece of work is one evaluation, or one tag that is resolved.

    Attributes:
        total: The most for all registries together.
        registry: The most for one registry; the keys of one request may have half of it.
        waiting: The most that wait for one registry; for all together four times as many.

    Raises:
        ConfigurationError: One of them is below one.
    """

    total: int = 1024
    registry: int = 128
    waiting: int = 256

    def __post_init__(self) -> None:
        if min(self.total, self.registry, self.waiting) < 1:
            raise ConfigurationError("a limit of work is at least 1")


@dataclass(slots=True)
class _Queue:
    """The work of one registry.

    Attributes:
        pace: The pieces under way, and how long one takes.
        waiting: The request of each piece that waits, oldest first.
    """

    pace: Pace = field(default_factory=Pace)
    waiting: "dict[asyncio.Future[None], _Request]" = field(default_factory=dict)

    @property
    def running(self) -> int:
        """How many pieces are under way."""
        return len(self.pace.running)


class WorkLimiter:
    """Admits work within limits; a slow registry occupies its own share and no other's.

    Args:
        clock: Its monotonic time counts.
        limits: The bounds; the defaults when omitted.

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

    @property
    def registries(self) -> int:
        """How many registries have work under way or waiting."""
        return len(self._queues)

    @asynccontextmanager
    async def work(self, registry: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the context is open.

        Args:
            registry: The registry that the work needs.

        Raises:
            StoreError: `REGISTRY_BUSY` or `BUSY`: it could not end before its deadline, or too much waits already.
        """
        queue, request = self._queues.setdefault(registry, _Queue()), _request()
        # Pieces that wait do not fit, or they would have been given a turn.
        if self._fits(registry, queue, request):
            turn = asyncio.get_running_loop().create_future()
            self._begin(registry, queue, turn, request)
        else:
            turn = await self._turn(registry, queue, request)
        try:
            yield
        finally:
            self._end(registry, queue, turn, request)

    def _fits(self, registry: str, queue: _Queue, request: _Request) -> bool:
        limits, running = self._limits, queue.running
        # Both bounds first: with them reached, not even a registry with little under way gets a turn.
        if running >= limits.registry or self._running >= limits.total:
            return False
        # One request with many images must not occupy a registry that others need too; one piece always fits.
        if request[registry] >= max(1, limits.registry * _REQUEST_PART):
            return False
        # The last quarter goes to registries with little under way: a slow one cannot take it.
        return self._running < limits.total * _SHARED_PART or running * _LITTLE < limits.registry

    def _begin(self, registry: str, queue: _Queue, turn: "asyncio.Future[None]", request: _Request) -> None:
        queue.pace.begin(turn, self._clock.monotonic())
        request[registry] += 1
        self._running += 1

    def _end(self, registry: str, queue: _Queue, turn: "asyncio.Future[None]", request: _Request) -> None:
        queue.pace.end(turn, self._clock.monotonic())
        request[registry] -= 1
        self._running -= 1
        if self.waiting:
            self._next()
        self._drop_if_idle(registry, queue)

    def _drop_if_idle(self, registry: str, queue: _Queue) -> None:
        """Forget an idle registry, also one whose work was refused: requests choose the names of registries."""
        if not queue.running and not queue.waiting:
            self._queues.pop(registry, None)

    async def _turn(self, registry: str, queue: _Queue, request: _Request) -> "asyncio.Future[None]":
        """Wait until a turn is given."""
        now, left, most = self._clock.monotonic(), time_left(self._clock), self._limits.waiting
        full = len(queue.waiting) >= most or self.waiting >= most * _QUEUES
        if full or queue.pace.is_late(now, left, len(queue.waiting), self._limits.registry):
            self._drop_if_idle(registry, queue)
            raise self._refusal(registry, queue)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting[turn] = request
        self.waiting += 1
        try:
            async with asyncio.timeout(queue.pace.longest_wait(now, left)):
                await turn
        except TimeoutError:
            if turn not in queue.pace.running:  # it may have been given while the time-out was on its way
                raise self._refusal(registry, queue) from None
        # Cancelled after the turn was given: without giving it back, the limit would shrink for ever.
        except asyncio.CancelledError:
            if turn in queue.pace.running:
                self._end(registry, queue, turn, request)
            raise
        finally:
            if queue.waiting.pop(turn, None) is not None:
                self.waiting -= 1
            self._drop_if_idle(registry, queue)
        return turn

    def _next(self) -> None:
        """Give a turn to the oldest piece that fits, of the registry with the least under way."""
        # Least busy first: fairness between registries, whatever the length of their queues.
        for registry, queue in sorted(self._queues.items(), key=lambda each: each[1].running):
            for turn, request in queue.waiting.items():
                if not turn.done() and self._fits(registry, queue, request):
                    del queue.waiting[turn]
                    self.waiting -= 1
                    self._begin(registry, queue, turn, request)
                    turn.set_result(None)
                    return

    def _refusal(self, registry: str, queue: _Queue) -> StoreError:
        self.refused += 1
        running, seconds = queue.running, queue.pace.seconds(self._clock.monotonic())
        if self._running >= self._limits.total * _SHARED_PART and running < self._limits.registry:
            message = f"{self._running} images of all registries are being worked on"
            return StoreError(Reason.BUSY, message)
        return StoreError(
            Reason.REGISTRY_BUSY,
            f"{running} images of {registry} are being worked on and {len(queue.waiting)} wait;"
            f" at {seconds:.1f} seconds each this one could not be answered in time",
        )


def _request() -> _Request:
    found = _REQUEST.get()
    return Counter() if found is None else found  # outside of a request each piece stands alone
