"""A store that is asked for a reference while the verifiers are still being imported."""

import asyncio
from collections.abc import AsyncIterator

from pyratify.core.descriptor import Descriptor
from pyratify.core.isolation import end
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer, Store, closing


class EarlyStore:
    """Passes everything on to a store, and gives what was asked for early to the first who asks for it.

    Args:
        store: Where the answers come from; closing it is left to its owner.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._resolving: dict[Reference, asyncio.Task[Descriptor]] = {}
        self._listings: dict[Reference, _Begun] = {}

    def ask(self, reference: Reference) -> None:
        """Begin to resolve a reference and, where it names a digest, to list what is attached, as a walk does."""
        self._resolving[reference] = asyncio.create_task(self._store.resolve(reference))
        if reference.digest is not None:
            listing = self._store.referrers(reference)
            self._listings[reference] = listing, asyncio.create_task(_first_of(listing))

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return the descriptor; see `Store.resolve`."""
        early = self._resolving.pop(reference, None)
        return await (self._store.resolve(reference) if early is None else early)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what is attached; see `Store.referrers`."""
        begun = self._listings.pop(reference, None)
        listing = self._store.referrers(reference, artifact_type) if begun is None else begun[0]
        # Passed on as it comes, in the store's order: what bounds a listing is the walk, which reads it.
        async with closing(listing):
            if begun is not None and (first := await begun[1]) is not None:
                yield first
            async for referrer in listing:
                yield referrer

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes; see `Store.fetch_manifest`."""
        return await self._store.fetch_manifest(reference, descriptor, limit)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes; see `Store.fetch_blob`."""
        return await self._store.fetch_blob(reference, descriptor, limit)

    async def aclose(self) -> None:
        """End what was asked for and never taken."""
        for task in self._resolving.values():
            await end(task)
        for listing, first in self._listings.values():
            await end(first)
            if first.done():  # a generator cannot be closed while it runs
                async with closing(listing):
                    pass


_Begun = tuple[AsyncIterator[Referrer], asyncio.Task[Referrer | None]]
"""A listing, and the task that brings its first entry; None where there is none."""


async def _first_of(listing: AsyncIterator[Referrer]) -> Referrer | None:
    return await anext(listing, None)
