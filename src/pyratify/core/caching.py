"""Caches in memory, and shared work in flight."""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from pyratify.core.clock import Clock
from pyratify.core.isolation import contained, end
from pyratify.core.limits import MIB
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


class LruCache(Generic[T]):
    """A least-recently-used cache, bounded by the weight and the number of its entries; safe between threads.

    Args:
        max_weight: The most that all entries together may weigh.
        max_entries: The most entries.
    """

    def __init__(self, max_weight: int, max_entries: int = sys.maxsize) -> None:
        self._max_weight = max_weight
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    @property
    def weight(self) -> int:
        """What all entries together weigh."""
        return self._weight

    def get(self, key: Hashable) -> T | None:
        """Return the value, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[1]

    def peek(self, key: Hashable) -> T | None:
        """Return the value, or None, without counting that as a use."""
        # Without the lock: one look-up in a dictionary is atomic, and the order is not touched.
        found = self._entries.get(key)
        return None if found is None else found[1]

    def put(self, key: Hashable, value: T, weight: int) -> None:
        """Keep a value and evict the least recently used; one that weighs more than the whole cache is not kept."""
        with self._lock:
            self._weight -= self._entries.pop(key, (0, None))[0]
            # After the old value is removed: it must not survive a newer one that is too heavy.
            if weight > self._max_weight:
                return
            self._entries[key] = weight, value
            self._weight += weight
            while self._weight > self._max_weight or len(self._entries) > self._max_entries:
                self._weight -= self._entries.popitem(last=False)[1][0]

    def discard(self, key: Hashable) -> None:
        """Remove an entry, if there is one."""
        with self._lock:
            self._weight -= self._entries.pop(key, (0, None))[0]

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()
            self._weight = 0

    def items(self) -> tuple[tuple[Hashable, T], ...]:
        """Return all keys and values, least recently used first."""
        with self._lock:
            # A copy: callers evict while they iterate.
            return tuple((key, value) for key, (_, value) in self._entries.items())


class WeighedCache(Generic[T]):
    """An `LruCache` bounded by the bytes that it really holds, as `weigh` counts them.

    Args:
        max_bytes: The most that all entries together may hold, keys included.
        max_entries: The most entries.
    """

    def __init__(self, max_bytes: int = 64 * MIB, max_entries: int = 4096) -> None:
        self._max_bytes = max_bytes
        self._cache = LruCache[T](max_bytes, max_entries)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._cache)

    @property
    def size(self) -> int:
        """How many bytes all entries hold."""
        return self._cache.weight

    def get(self, key: Hashable) -> T | None:
        """Return the value, or None."""
        return self._cache.get(key)

    def put(self, key: Hashable, data: T) -> None:
        """Keep a value and evict the least recently used; one larger than the whole cache is not kept."""
        # `weigh` stops at the limit: a value that is too large costs no more than one that fits.
        self._cache.put(key, data, weigh((key, data), self._max_bytes) + ENTRY)

    def clear(self) -> None:
        """Remove all entries."""
        self._cache.clear()


class MemoryCache(WeighedCache[bytes]):
    """A `ContentCache` in this process: arguments as for `WeighedCache`."""


class ExpiringCache(Generic[T]):
    """Values with a lifetime; when they weigh too much together, the least recently used are evicted.

    Args:
        clock: Its monotonic time counts; a wall clock that is set back prolongs nothing.
        max_weight: The most that all values together may weigh.
    """

    def __init__(self, clock: Clock, max_weight: int) -> None:
        self._clock = clock
        self._cache = LruCache[tuple[float, T]](max_weight)
        self._puts = self._left = 0  # since the last sweep, and the entries that it left

    def __len__(self) -> int:
        """Return the number of values, expired ones included."""
        return len(self._cache)

    @property
    def weight(self) -> int:
        """What all values together weigh."""
        return self._cache.weight

    def get(self, key: Hashable) -> T | None:
        """Return the value, or None when there is none or it has expired."""
        found = self._cache.get(key)
        if found is None:
            return None
        if self._clock.monotonic() >= found[0]:
            self._cache.discard(key)
            return None
        return found[1]

    def remaining(self, key: Hashable) -> float:
        """Return the seconds until a value expires; 0 when there is none."""
        found = self._cache.peek(key)
        return 0.0 if found is None else max(0.0, found[0] - self._clock.monotonic())

    def put(self, key: Hashable, value: T, seconds: float, weight: int = 1) -> None:
        """Keep the value for that many seconds; not at all when that is 0 or it weighs too much."""
        self._puts += 1
        if (
            self._puts > self._left
        ):  # one sweep per as many puts as it visits entries: constant cost for each put
            self.sweep()
        if seconds <= 0:
            self._cache.discard(key)
        else:
            self._cache.put(key, (self._clock.monotonic() + seconds, value), weight)

    def sweep(self, gone: Callable[[Hashable], bool] | None = None) -> None:
        """Evict expired values, so that they take no memory until their weight is needed.

        Args:
            gone: Returns whether a value, by its key, can be evicted before its time.
        """
        self._puts, now = 0, self._clock.monotonic()
        # Monotonic time, read once: one sweep has one idea of what has expired.
        for key, (expiry, _) in self._cache.items():
            if now >= expiry or (gone is not None and gone(key)):
                self._cache.discard(key)
        self._left = len(self._cache)


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
            # The shield: a caller that is cancelled must not cancel the work of the others.
            return await asyncio.shield(task)
        finally:
            if self._leave(key, task):
                await end(task)

    def _leave(self, key: Hashable, task: asyncio.Task[T]) -> bool:
        """Deregister a caller; return whether it was the last one and the work is still under way."""
        # The work may have ended and begun anew under this key: then its counts belong to other callers.
        if self._tasks.get(key) is not task:
            return False
        self._waiting[key] -= 1
        if not task.done() and self._waiting[key] > 0:
            return False
        del self._tasks[key], self._waiting[key]
        return not task.done()
