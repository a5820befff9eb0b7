"""How many requests one origin is sent at the same time, and early refusals of what could not end in time."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.transport import Request
from pyratify.http.url import Origin

_SMOOTHING = 0.2  # how much the last exchange says about the next one
_PATIENCE = 0.9  # of the time in which a turn would have to come


class _Lane:
    """One origin's requests.

    Attributes:
        slots: What is free.
        waiting: How many wait, in order.
        running: When each request that is under way began; the first first.
        pace: Seconds for one exchange, the last ones counted most.
    """

    def __init__(self, limit: int) -> None:
        self.slots = asyncio.Semaphore(limit)
        self.waiting = 0
        self.running: dict[object, float] = {}
        self.pace = 0.0

    def seconds(self, now: float) -> float:
        """Return how many seconds an exchange takes, as far as can be told."""
        return max(self.pace, now - next(iter(self.running.values()), now))


class Lanes:
    """Gives requests their turns; a request that waits in vain is refused, while others still end in time.

    Args:
        limit: How many requests one origin is sent at the same time.
        monotonic: Seconds that never go back.
    """

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._lanes: weakref.WeakValueDictionary[Origin, _Lane] = weakref.WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the context is open.

        Raises:
            StoreError: `REGISTRY_BUSY`: the exchange could not end in the time that its answer has.
        """
        lane = self._lanes.setdefault(request.url.origin, _Lane(self._limit))
        if lane.slots.locked():
            await self._wait(lane, request)
        else:
            await lane.slots.acquire()
        mark = object()
        lane.running[mark] = begun = self._monotonic()
        try:
            yield
        finally:
            del lane.running[mark]
            taken = self._monotonic() - begun
            lane.pace += _SMOOTHING * (taken - lane.pace) if lane.pace else taken
            lane.slots.release()

    async def _wait(self, lane: _Lane, request: Request) -> None:
        left = min(request.patience, request.timeout)
        pace = lane.seconds(self._monotonic())
        if pace * (1 + (lane.waiting + 1) / self._limit) >= left:
            raise self._busy(lane, request)
        lane.waiting += 1
        try:
            async with asyncio.timeout((left - pace) * _PATIENCE):
                await lane.slots.acquire()
        except TimeoutError:
            raise self._busy(lane, request) from None
        finally:
            lane.waiting -= 1

    def _busy(self, lane: _Lane, request: Request) -> StoreError:
        pace = lane.seconds(self._monotonic())
        return StoreError(
            Reason.REGISTRY_BUSY,
            f"{self._limit} requests to {request.url.origin.authority} are under way and {lane.waiting} wait; "
            f"at {pace:.1f} seconds each this one could not be answered in time",
            remedy="Ask again in a moment; where this lasts, see why the registry is slow, or raise the store's maxConnections.",
        )
