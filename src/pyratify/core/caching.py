"""Caches in memory, and shared work in flight."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from pyratify.core.clock import Clock
from pyratify.core.isolation import contained, end
from pyratify.core.weigh import ENTRY, weigh

T = TypeVar("T")


class ContentCache(Protocol):
    """Bytes by key; what comes out is hashed again before use, so a cache need not be trusted.

    A cache that cannot be read or written is a miss, never an error.
    """

    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes, if possible."""
        ...


class WeighedCache(Generic[T]):
    """A least-recently-used cache in this process, bounded by the bytes that it really holds; safe between threads.

    Args:
        max_bytes: The most that all entries together may hold.
        max_entries: The most entries.
    """

    def __init__(self, max_bytes: int, max_entries: int = 4096) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """How many bytes all entries hold, as `weigh` counts them."""
        return self._size

    def find(self, key: Hashable) -> T | None:
        """Return the value, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[1]

    def keep(self, key: Hashable, value: T) -> None:
        """Keep a value and evict the least recently used; one larger than the whole cache is not kept."""
        size = weigh((key, value), self._max_bytes) + ENTRY
        with self._lock:
            self._size -= self._entries.pop(key, (0, None))[0]
            if size > self._max_bytes:
                return
            self._entries[key] = size, value
            self._size += size
            while self._size > self._max_bytes or len(self._entries) > self._max_entries:
                self._size -= self._entries.popitem(last=False)[1][0]


class MemoryCache:
    """A `ContentCache` in this process: arguments as for `WeighedCache`."""

    def __init__(self, max_bytes: int = 64 * 1024 * 1024, max_entries: int = 4096) -> None:
        self._cache = WeighedCache[bytes](max_bytes, max_entries)

    @property
    def size(self) -> int:
        """How many bytes all entries hold, keys included."""
        return self._cache.size

    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None."""
        return self._cache.find(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes and evict the least recently used."""
        self._cache.keep(key, data)


class ExpiringCache(Generic[T]):
    """Values with a lifetime; when they weigh too much together, the least recently used are evicted.

    Args:
        clock: Whose monotonic time counts; a wall clock that is set back prolongs nothing.
        max_weight: The most that all values together may weigh.
    """

    def __init__(self, clock: Clock, max_weight: int) -> None:
        self._clock = clock
        self._max_weight = max_weight
        self._entries: OrderedDict[Hashable, tuple[float, int, T]] = OrderedDict()
        self._weight = 0
        self._since = self._left = 0  # since the last sweep: what was put in, and what it left

    def __len__(self) -> int:
        """Return the number of values, those whose time is over included."""
        return len(self._entries)

    @property
    def weight(self) -> int:
        """What all values together weigh."""
        return self._weight

    def get(self, key: Hashable) -> T | None:
        """Return the value, or None when there is none or its time is over."""
        found = self._entries.get(key)
        if found is None:
            return None
        if self._clock.monotonic() >= found[0]:
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return found[2]

    def remaining(self, key: Hashable) -> float:
        """Return for how many seconds a value is still remembered; 0 when there is none."""
        found = self._entries.get(key)
        return 0.0 if found is None else max(0.0, found[0] - self._clock.monotonic())

    def put(self, key: Hashable, value: T, seconds: float, weight: int = 1) -> None:
        """Keep the value for that many seconds; not at all when that is 0 or it weighs too much."""
        self._forget(key)
        self._since += 1
        if self._since > self._left:  # so that sweeping costs a put no more than looking at one value
            self.sweep()
        if seconds <= 0 or weight > self._max_weight:
            return
        self._entries[key] = (self._clock.monotonic() + seconds, weight, value)
        self._weight += weight
        while self._weight > self._max_weight:
            self._forget(next(iter(self._entries)))

    def sweep(self, gone: Callable[[Hashable], bool] | None = None) -> None:
        """Forget the values whose time is over, so that they are not kept until their weight is needed.

        Args:
            gone: Returns whether a value, by its key, can be evicted before its time.
        """
        self._since, now = 0, self._clock.monotonic()
        over = [
            key
            for key, (end, _, _) in self._entries.items()
            if now >= end or (gone is not None and gone(key))
        ]
        for key in over:
            self._forget(key)
        self._left = len(self._entries)

    def _forget(self, key: Hashable) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._weight -= found[1]


class SingleFlight(Generic[T]):
    """Shares one run of a piece of work among concurrent callers of the same key.

    The work belongs to no caller: it goes on when one is cancelled, and is cancelled when none is left.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}
        self._waiting: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """Return how many pieces of work are under way."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """How many callers wait for work that another caller started."""
        return sum(self._waiting.values()) - len(self._waiting)

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work returns, or raise what it raises."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(contained(work))
            self._waiting[key] = 0
        self._waiting[key] += 1
        try:
            return await asyncio.shield(task)
        finally:
            if self._leave(key, task):
                await end(task)

    def _leave(self, key: Hashable, task: asyncio.Task[T]) -> bool:
        """Deregister a caller; return whether it was the last one and the work is still under way."""
        if self._tasks.get(key) is not task:
            return False
        self._waiting[key] -= 1
        if not task.done() and self._waiting[key] > 0:
            return False
        del self._tasks[key], self._waiting[key]
        return not task.done()
