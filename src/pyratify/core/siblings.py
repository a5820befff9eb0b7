"""What is attached to the same subject, for verifiers that look beside their own evidence."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

from pyratify.core.caching import SingleFlight
from pyratify.core.content import Content
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, InconclusiveError, StoreError, VerificationError
from pyratify.core.isolation import contained, end, from_store
from pyratify.core.lookahead import ReferrerLookahead
from pyratify.core.reason import Reason
from pyratify.core.store import Referrer
from pyratify.core.verifier import Evidence

T = TypeVar("T")
_Found = tuple[Any, ...]
# No fault of the artifact (`invoke.py`), whatever the reason.
_UNDECIDED = (InconclusiveError, ConfigurationError)


class AttachedSiblings:
    """The artifacts attached to one subject in one validation; a `verifier.Siblings`.

    The listing and each piece of work are done once, whichever evidence asks first: results do not depend on timing.

    Args:
        listing: Starts a listing of the referrers.
        read: Returns a referrer as evidence, bound to the subject.
        content: Reads them, large ones in a slot that no evidence which asks can hold, so none waits for itself.
        concurrency: How many are examined at the same time.
    """

    def __init__(
        self,
        listing: Callable[[], ReferrerLookahead],
        read: Callable[[Referrer, Content], Awaitable[Evidence]],
        content: Content,
        concurrency: int,
    ) -> None:
        self.listing, self.read = listing, read
        self.content, self.concurrency = content, concurrency
        self._flights: SingleFlight[_Found] = SingleFlight()
        self._done: dict[Hashable, _Found | StoreError] = {}

    async def examine(self, key: Hashable, work: Callable[[Evidence], Awaitable[T | None]]) -> tuple[T, ...]:
        """Return what the work returns for each of them, in the store's order; see `verifier.Siblings`."""
        known = self._done.get(key)
        if known is None:
            known = await self._flights.run(key, partial(self._examine, key, work))
        if isinstance(known, StoreError):
            # Anew: raised for each that asks, one error would collect the frames of all (decision 0035).
            raise StoreError(known.reason, known.message, remedy=known.remedy)
        return known

    async def _examine(self, key: Hashable, work: Callable[[Evidence], Awaitable[Any]]) -> _Found:
        try:
            found = await self._each(work)
        except StoreError as error:
            # Kept, without its frames: for each report that asks, all would be read again.
            self._done[key] = StoreError(error.reason, error.message, remedy=error.remedy)
            raise
        self._done[key] = found
        return found

    async def _each(self, work: Callable[[Evidence], Awaitable[Any]]) -> _Found:
        slots = asyncio.Semaphore(self.concurrency)
        referrers = await self._list()
        tasks = [asyncio.create_task(contained(partial(self._one, each, work, slots))) for each in referrers]
        try:
            # In the store's order, also where several failed.
            found = [await task for task in tasks]
            return tuple(each for each in found if each is not None)
        finally:
            await end(*tasks)

    async def _list(self) -> list[Referrer]:
        async with aclosing(self.listing()) as lookahead:
            found = [referrer async for referrer in lookahead]
        # What is beyond the limit may say otherwise than what is within it.
        if lookahead.over:
            raise StoreError(
                Reason.REFERRERS_LIMIT,
                f"more than the {self.content.limits.referrers} referrers allowed are attached, so not all of them can be considered",
            )
        return found

    async def _one(
        self, referrer: Referrer, work: Callable[[Evidence], Awaitable[Any]], slots: asyncio.Semaphore
    ) -> Any:
        async with slots:
            with self.content.for_artifact(beside=True) as content:
                try:
                    return await from_store(partial(self._work, referrer, work, content))
                except StoreError as error:
                    # Caused by a publisher at will, it must not make the others useless; what a verifier cannot decide is not.
                    if error.reason.is_gap or isinstance(error.__cause__, _UNDECIDED):
                        raise
                    return None

    async def _work(
        self, referrer: Referrer, work: Callable[[Evidence], Awaitable[Any]], content: Content
    ) -> Any:
        try:
            return await work(await self.read(referrer, content))
        except VerificationError:
            return None


class SiblingsOfPlaces:
    """The siblings at each position of a walk.

    Args:
        content: Reads them.
        concurrency: How many are examined at the same time.
    """

    def __init__(self, content: Content, concurrency: int) -> None:
        self._content = content
        self._concurrency = concurrency
        self._known: dict[tuple[Digest, ...], AttachedSiblings] = {}

    def at(
        self,
        path: tuple[Digest, ...],
        listing: Callable[[], ReferrerLookahead],
        read: Callable[[Referrer, Content], Awaitable[Evidence]],
    ) -> AttachedSiblings:
        """Return those at the position that these digests lead to."""
        if path not in self._known:
            self._known[path] = AttachedSiblings(listing, read, self._content, self._concurrency)
        return self._known[path]

    def clear(self) -> None:
        """Forget all of them: what lists and reads belongs to the walk, which would be freed with a collection only."""
        self._known.clear()
