"""A store that is asked for a reference, and for the first signature of it, while the verifiers are still being imported."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any

from pyratify.core.caching import ContentCache
from pyratify.core.content import check_content, content_key
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.core.isolation import end
from pyratify.core.manifest import INDEX_TYPES, parse_manifest
from pyratify.core.offload import LARGE
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer, Store, closing

_LAYERS = 4  # a signature has one, an `.att` tag one for each attestation

Fetch = Callable[[Reference, Descriptor, int], Coroutine[Any, Any, bytes]]
_Begun = tuple[AsyncIterator[Referrer], asyncio.Task[Referrer | None]]
"""A listing, and the task that brings its first entry; None where there is none."""
_Asked = tuple[Fetch, Reference, Digest, int]


class EarlyStore:
    """Passes everything on to a store, and gives what was asked for early to the first who asks for it.

    Nothing is asked for that a walk over what is attached would not ask for: the reference, the listing and, where its first entry is a
    signature, that one's manifest and layers, as far as they are small.

    Args:
        store: Where the answers come from; closing it is left to its owner.
        signatures: What the artifact types of the signatures begin with that are going to be verified; those under cosign's tags announce none.
        cache: What is in it is not asked for.
    """

    def __init__(
        self, store: Store, signatures: tuple[str, ...] = (), cache: ContentCache | None = None
    ) -> None:
        self._store = store
        self._signatures = signatures
        self._cache = cache
        self._resolving: dict[Reference, asyncio.Task[Descriptor]] = {}
        self._listings: dict[Reference, _Begun] = {}
        self._contents: dict[_Asked, asyncio.Task[bytes]] = {}
        self._reading: list[asyncio.Task[None]] = []

    def ask(self, reference: Reference, *, by_platform: bool = False) -> None:
        """Begin to resolve a reference, and to list what is attached to its digest, as a walk does.

        Args:
            reference: The reference.
            by_platform: Whether an image index is judged by what it lists alone, so that nothing that is attached to it is asked for.
        """
        self._resolving[reference] = asyncio.create_task(self._resolve(reference, by_platform=by_platform))
        if reference.digest is not None and not by_platform:
            # Without the tag beside it, as a walk names it.
            self._list(reference.at(reference.digest))

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
        return await self._fetch(self._store.fetch_manifest, reference, descriptor, limit)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes; see `Store.fetch_blob`."""
        return await self._fetch(self._store.fetch_blob, reference, descriptor, limit)

    async def aclose(self) -> None:
        """End what was asked for and never taken."""
        # In the order in which one begins the next.
        await end(*self._resolving.values())
        for listing, first in self._listings.values():
            await end(first)
            if first.done():  # a generator cannot be closed while it runs
                async with closing(listing):
                    pass
        await end(*self._reading)
        await end(*self._contents.values())

    async def _resolve(self, reference: Reference, *, by_platform: bool) -> Descriptor:
        found = await self._store.resolve(reference)
        if found.media_type not in INDEX_TYPES if by_platform else reference.digest is None:
            self._list(reference.at(found.digest))
        return found

    def _list(self, reference: Reference) -> None:
        listing = self._store.referrers(reference)
        self._listings[reference] = listing, asyncio.create_task(self._first_of(reference, listing))

    async def _first_of(self, reference: Reference, listing: AsyncIterator[Referrer]) -> Referrer | None:
        first = await anext(listing, None)
        if first is not None and self._is_signature(first):
            self._reading.append(asyncio.create_task(self._read(reference, first)))
        return first

    def _is_signature(self, referrer: Referrer) -> bool:
        if referrer.discovery is Discovery.COSIGN_TAG:
            return True
        return (referrer.descriptor.artifact_type or "").startswith(self._signatures)

    async def _read(self, reference: Reference, signature: Referrer) -> None:
        what, data = signature.descriptor, signature.manifest
        # What is too large or cannot be read is left to the walk, which says why.
        if what.size > LARGE:
            return
        with suppress(RatifyError):
            if data is None:
                data = self._cached("manifest", reference, what)
            if data is None:
                data = await self._begin(self._store.fetch_manifest, reference, what)
            check_content(data, what)
            for layer in parse_manifest(data, what).layers[:_LAYERS]:
                if layer.size <= LARGE and self._cached("blob", reference, layer) is None:
                    self._begin(self._store.fetch_blob, reference, layer)

    def _cached(self, kind: str, reference: Reference, what: Descriptor) -> bytes | None:
        return self._cache.get(content_key("", reference, kind, what.digest)) if self._cache else None

    def _begin(self, fetch: Fetch, reference: Reference, what: Descriptor) -> "asyncio.Task[bytes]":
        asked = (fetch, reference, what.digest, what.size)
        # Two layers may be the same blob.
        if asked not in self._contents:
            self._contents[asked] = asyncio.create_task(fetch(reference, what, what.size))
        return self._contents[asked]

    async def _fetch(self, fetch: Fetch, reference: Reference, what: Descriptor, limit: int) -> bytes:
        # By the limit too: with another, the store may refuse what was read with this one.
        early = self._contents.pop((fetch, reference, what.digest, limit), None)
        return await (fetch(reference, what, limit) if early is None else early)
