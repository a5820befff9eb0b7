"""What a server does for itself between requests: forget what has expired, collect garbage, give memory back.

A full collection looks at every object, those of remembered verdicts too, and stops everything meanwhile. So what has lived
through one is frozen: the next looks only at what was made since, and what is frozen is still freed with its last reference.
Requests under way are not frozen with it: what they leave in cycles, large documents too, would stay until then.
Cycles among frozen objects are found by a whole collection, seldom and while no request is under way.
"""

import asyncio
import ctypes
import gc
import logging
from collections.abc import Callable
from dataclasses import field

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.serving.http.activity import Activity

_LOG = logging.getLogger("pyratify.serving")
_THRESHOLDS = 2_000, 10, 1_000_000  # the last never comes: whole collections are begun here
_PAUSE = 1.0
_LONG = 0.02  # what takes longer is frozen under load too, with the requests of that moment
# M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_ARENA_MAX of malloc.h; to set the first two ends their growth.
_MALLOC = ((-3, 256 * 1024), (-1, 1024 * 1024), (-8, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """After how many seconds at most what is done, also where requests are under way without end.

    Attributes:
        collect: A collection of what was made since the last one.
        whole: A whole collection.
        trim: Memory that is free is given back to the system; twice as late while requests are under way.
    """

    collect: float = 5.0
    whole: float = 300.0
    trim: float = 30.0


@dataclass(slots=True)
class Housekeeping:
    """Looks after the memory of a server.

    Attributes:
        clock: The clock.
        activity: How busy the server is.
        sweeps: Each forgets what has expired.
        intervals: How often what is done at least.
        longest: The seconds of the longest pause so far that a collection made.
    """

    clock: Clock
    activity: Activity
    sweeps: tuple[Callable[[], None], ...] = ()
    intervals: Intervals = field(default_factory=Intervals)
    longest: float = 0.0
    _collected: float = 0.0
    _whole: float = 0.0
    _trimmed: float = 0.0
    _answered: int = -1

    async def watch(self) -> None:
        """Look after it until cancelled; from then on the collector is as it was before."""
        before = gc.get_threshold()
        self._collected = self._whole = self._trimmed = self.clock.monotonic()
        # Collected before it is frozen: garbage that is frozen stays until the next whole collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        try:
            while True:
                await self.clock.sleep(_PAUSE)
                await asyncio.sleep(0)  # an injected clock may not give others a turn
                await self.look()
        # The collector belongs to the whole process, and tests run several servers in one.
        finally:
            gc.set_threshold(*before)
            gc.unfreeze()

    async def look(self) -> None:
        """Do what is due."""
        # Sweeps first, so that the collection below finds what they let go of.
        for sweep in self.sweeps:
            sweep()
        now, quiet = self.clock.monotonic(), self.activity.is_quiet
        if (
            quiet and self.activity.answered != self._answered
        ) or now - self._collected >= self.intervals.collect:
            self._answered = self.activity.answered
            self._collect(whole=self._is_whole_due(now, quiet=quiet), quiet=quiet)
        if now - self._trimmed >= self.intervals.trim * (1 if quiet else 2):
            self._trimmed = now
            # ctypes releases the interpreter meanwhile, so the event loop goes on.
            await asyncio.to_thread(give_back)

    def _is_whole_due(self, now: float, *, quiet: bool) -> bool:
        return now - self._whole >= self.intervals.whole * (1 if quiet else 2)

    def _collect(self, *, whole: bool, quiet: bool) -> None:
        began = self.clock.monotonic()
        if whole:
            gc.unfreeze()
        found = gc.collect()
        self._collected = self.clock.monotonic()
        # Under load a short collection freezes nothing: requests under way would be frozen with it.
        if quiet or whole or self._collected - began > _LONG:
            gc.freeze()
        if whole:
            self._whole = self._collected
        self.longest = max(self.longest, self._collected - began)
        extra = {"whole": whole, "seconds": round(self._collected - began, 4), "found": found}
        _LOG.debug("garbage collected", extra=extra)


def give_back() -> None:
    """Give free memory back to the system, where its C library can (glibc); else it stays as it was at the busiest time."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl and macOS have none
    if trim is not None:
        trim(0)


def keep_small() -> None:
    """Have large pieces of memory given back as soon as they are free, and few pools for threads, where glibc is (mallopt(3)).

    Left to itself it keeps pieces of the largest size that was ever freed, so that one large document is paid for ever after.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        for option, value in _MALLOC:
            tune(option, value)
