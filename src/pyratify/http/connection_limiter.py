"""Bounds the requests that one origin is sent at the same time, and refuses early what could not end in time."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pyratify.core.errors import StoreError
from pyratify.core.pace import Pace
from pyratify.core.reason import Reason
from pyratify.http.transport import Request
from pyratify.http.url import Origin


class _Queue:
    """The requests to one origin.

    Attributes:
        slots: Free for so many more requests.
        waiting: How many requests wait, in order.
        pace: The requests under way, and how long an exchange takes.
    """

    def __init__(self, limit: int) -> None:
        self.slots = asyncio.Semaphore(limit)
        self.waiting = 0
        self.pace = Pace()


class ConnectionLimiter:
    """Gives requests their slots; a request that waits in vain is refused, while others still end in time.

    Args:
        limit: How many requests one origin is sent at the same time.
        monotonic: Seconds that never go back.
    """

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._monotonic = monotonic
        # A queue lives as long as a request uses it: redirects may lead to any number of origins.
        self._queues: weakref.WeakValueDictionary[Origin, _Queue] = weakref.WeakValueDictionary()

    @asynccontextmanager
    async def slot(self, request: Request) -> AsyncIterator[None]:
        """Wait for a slot, and hold it while the context is open.

        Raises:
            StoreError: `REGISTRY_BUSY`: the exchange could not end in the time that its answer has.
        """
        queue = self._queues.setdefault(request.url.origin, _Queue(self._limit))
        # locked() is also true while others wait, so a newcomer does not overtake them.
        if queue.slots.locked():
            await self._wait(queue, request)
        else:
            await queue.slots.acquire()
        # An identity of its own: equal requests may be under way at the same time.
        exchange = object()
        queue.pace.begin(exchange, self._monotonic())
        try:
            yield
        finally:
            queue.pace.end(exchange, self._monotonic())
            queue.slots.release()

    async def _wait(self, queue: _Queue, request: Request) -> None:
        now, left = self._monotonic(), min(request.patience, request.timeout)
        # A wait that must end in a timeout would only lengthen the queue for the others (decision 0026).
        if queue.pace.is_late(now, left, queue.waiting, self._limit):
            raise self._busy(queue, request)
        queue.waiting += 1
        try:
            async with asyncio.timeout(queue.pace.longest_wait(now, left)):
                await queue.slots.acquire()
        except TimeoutError:
            raise self._busy(queue, request) from None
        finally:
            queue.waiting -= 1

    def _busy(self, queue: _Queue, request: Request) -> StoreError:
        seconds = queue.pace.seconds(self._monotonic())
        return StoreError(
            Reason.REGISTRY_BUSY,
            f"{self._limit} requests to {request.url.origin.authority} are under way and {queue.waiting} wait; "
            f"at {seconds:.1f} seconds each this one could not be answered in time",
            remedy="Ask again in a moment; where this lasts, see why the registry is slow, or raise the store's maxConnections.",
        )
