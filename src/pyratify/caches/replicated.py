"""Verdicts that replicas share: signed entries in a remote cache that may fail, hang or return anything."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from pyratify.caches.breaker import Breaker
from pyratify.caches.shared_secret import SharedSecret
from pyratify.caches.verdict_entry import MAX_ENTRY, entry_name, seal, unseal
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.report import ValidationResult
from pyratify.core.shared_verdicts import SharedVerdict, VerdictKey

T = TypeVar("T")
_LOG = logging.getLogger("pyratify.caches")
# Bounds what a cache that hangs can hold up and keep in memory.
_MAX_UNDER_WAY = 64
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Remote(Protocol):
    """Bytes by name in a remote cache; may raise any exception."""

    async def get(self, name: str, most: int) -> bytes | None:
        """Return at most so many of the bytes, or None."""
        ...

    async def put(self, name: str, data: bytes, seconds: float) -> None:
        """Keep the bytes for that many seconds."""
        ...

    async def aclose(self) -> None:
        """Close what it holds open."""
        ...


@dataclass(slots=True)
class Counts:
    """The outcomes of all look-ups and writes.

    Attributes:
        hits: Verdicts found.
        misses: No entry was there.
        refused: An entry was there and is not valid: forged, exchanged, of another secret, or too old.
        errors: The cache failed or did not respond in time.
        skipped: No attempt was made: the breaker is open, or too many are under way.
    """

    hits: int = 0
    misses: int = 0
    refused: int = 0
    errors: int = 0
    skipped: int = 0


@dataclass(slots=True)
class SharedCache:
    """`SharedVerdicts` over something remote that is not trusted.

    Attributes:
        remote: Where entries are.
        secret: Signs them.
        clock: Times of entries are compared with the latest time that it has ever shown.
        seconds: The timeout of one operation.
        counts: The outcomes so far.
        breaker: Holds attempts back after failures.
    """

    remote: Remote
    secret: SharedSecret
    clock: Clock = field(default_factory=SystemClock)
    seconds: float = 0.25
    counts: Counts = field(default_factory=Counts)
    breaker: Breaker = field(init=False)
    _latest: datetime = _LONG_AGO
    _under_way: int = 0

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.clock)

    async def get(self, key: VerdictKey) -> SharedVerdict | None:
        """Return the verdict that one of the processes put in for exactly this key, or None."""
        name = entry_name(self.secret, key)
        # One byte more than an entry may have, so that a longer one is seen to be too long.
        answers = await self._try(partial(self.remote.get, name, MAX_ENTRY + 1))
        data = answers[0] if answers else None
        self.counts.misses += answers == (None,)
        if data is None:
            return None
        found = unseal(self.secret, key, data, self._moment())
        self.counts.hits += found is not None
        self.counts.refused += found is None
        return found

    async def put(self, key: VerdictKey, result: ValidationResult, seconds: float) -> None:
        """Put a verdict in for that many seconds, if that is possible."""
        # Wall-clock time, as other machines read it.
        entry = seal(self.secret, key, result, self.clock.now(), seconds)
        if entry is not None:
            name = entry_name(self.secret, key)
            await self._try(partial(self.remote.put, name, entry, seconds))

    async def aclose(self) -> None:
        """Close the remote."""
        await self.remote.aclose()

    def _moment(self) -> datetime:
        """Return the latest time that the clock has shown: one that is set back does not revive old entries."""
        self._latest = max(self._latest, self.clock.now())
        return self._latest

    async def _try(self, work: Callable[[], Awaitable[T]]) -> tuple[T, ...]:
        """Return the result of an operation as a tuple of one; empty where it was skipped or failed."""
        if self._under_way >= _MAX_UNDER_WAY or not self.breaker.permits():
            self.counts.skipped += 1
            return ()
        self._under_way += 1
        try:
            async with asyncio.timeout(self.seconds):
                done = (await work(),)
        # Not BaseException: a cancellation is the caller's.
        except Exception as error:  # noqa: BLE001 - a cache that fails is one that has nothing
            self._failed(error)
            return ()
        finally:
            self._under_way -= 1
        self.breaker.succeeded()
        return done

    def _failed(self, error: Exception) -> None:
        was_open = self.breaker.is_open
        self.counts.errors += 1
        self.breaker.failed()
        if self.breaker.is_open and not was_open:  # its text could hold an address with a password
            _LOG.warning("shared cache failed, attempts are held back", extra={"error": type(error).__name__})
