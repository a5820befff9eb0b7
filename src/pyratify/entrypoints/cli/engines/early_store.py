"""A store that is asked for a reference while the verifiers are still being imported."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from pyratify.core.descriptor import Descriptor
from pyratify.core.isolation import end
from pyratify.core.lookahead import ReferrerLookahead
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer, Store


class EarlyStore:
    """Passes everything on to a store, and gives what was asked for early to the first who asks for it.

    Args:
        store: Where the answers come from; closing it is left to its owner.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._resolving: dict[Reference, asyncio.Task[Descriptor]] = {}
        self._listings: dict[Reference, ReferrerLookahead] = {}

    def ask(self, reference: Reference) -> None:
        """Begin to resolve a reference and, where it names a digest, to list what is attached, as a walk does."""
        self._resolving[reference] = asyncio.create_task(self._store.resolve(reference))
        if reference.digest is not None:
            # No limit: that of the walk counts, which takes the referrers one by one.
            listing = ReferrerLookahead(partial(self._store.referrers, reference), sys.maxsize)
            listing.request()
            self._listings[reference] = listing

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return the descriptor; see `Store.resolve`."""
        early = self._resolving.pop(reference, None)
        return await (self._store.resolve(reference) if early is None else early)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what is attached; see `Store.referrers`."""
        early = self._listings.pop(reference, None)
        listing = early or ReferrerLookahead(
            partial(self._store.referrers, reference, artifact_type), sys.maxsize
        )
        async with aclosing(listing):
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
        for listing in self._listings.values():
            await listing.aclose()
