"""A store's listing of referrers, asked one referrer ahead and never further than the limit."""

import asyncio
from collections.abc import AsyncIterator, Callable

from pyratify.core.errors import StoreError
from pyratify.core.guard import end, from_store
from pyratify.core.store import Discovery, Referrer

# What makes two entries the same; what else a listing says of an artifact is not believed, and so cannot differ.
_Key = tuple[str, str, int, bool]


class Listing:
    """Can be asked for its next referrer without waiting for it; entries that say the same count once.

    Args:
        start: Begins the listing.
        limit: The most referrers that are taken.

    Attributes:
        over: Whether there were more than the limit.
        error: Why the listing ended early; to be raised once what came before it has been looked at.
    """

    def __init__(self, start: Callable[[], AsyncIterator[Referrer]], limit: int) -> None:
        self._start = start
        self._source: AsyncIterator[Referrer] | None = None
        self._next: asyncio.Task[Referrer | None] | None = None
        self._seen: set[_Key] = set()
        self._limit = limit
        self._ended = False
        self.over = False
        self.error: StoreError | None = None

    def request(self) -> "asyncio.Task[Referrer | None] | None":
        """Return the task that brings the next referrer; None when there is none."""
        if self._next is None and not self._ended:
            self._next = asyncio.create_task(from_store(self._advance))
        return self._next

    def take(self) -> Referrer | None:
        """Return the referrer that was requested, which has arrived; None where the listing ends."""
        task, self._next = self._next, None
        try:
            referrer = task.result() if task is not None else None
        except StoreError as error:
            self.error, referrer = error, None
        self.over = referrer is not None and len(self._seen) > self._limit
        self._ended = referrer is None or self.over
        return None if self._ended else referrer

    async def aclose(self) -> None:
        """End the request that is under way and the store's listing."""
        if self._next is not None:
            await end(self._next)
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await from_store(close)

    async def _advance(self) -> Referrer | None:
        if self._source is None:
            self._source = self._start()
        async for referrer in self._source:
            key = _key(referrer)
            if key not in self._seen:
                self._seen.add(key)
                return referrer
        return None


def _key(referrer: Referrer) -> _Key:
    what = referrer.descriptor
    return (what.media_type, what.digest, what.size, referrer.discovery is Discovery.COSIGN_TAG)
