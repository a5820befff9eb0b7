"""Untrusted content: bounded, and compared with its descriptor, before it is used."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial

from pyratify.core.caching import ContentCache, SingleFlight
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.isolation import from_store
from pyratify.core.large_documents import LARGE_ARTIFACTS, Lease
from pyratify.core.limits import Limits
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Store


def check_content(data: bytes, descriptor: Descriptor) -> None:
    """Refuse bytes whose size or digest is not the descriptor's.

    Raises:
        StoreError: `SIZE_MISMATCH` or `DIGEST_MISMATCH`.
    """
    # Size first: comparing it costs nothing, hashing megabytes does.
    if len(data) != descriptor.size:
        raise StoreError(
            Reason.SIZE_MISMATCH,
            f"{descriptor.digest} has {len(data)} bytes; its descriptor says {descriptor.size}",
        )
    if not descriptor.digest.matches(data):
        raise StoreError(
            Reason.DIGEST_MISMATCH, f"the content delivered for {descriptor.digest} has another digest"
        )


def content_key(partition: str, reference: Reference, kind: str, digest: Digest) -> str:
    """Return the key of content in the engine's cache.

    Args:
        partition: Of the executor: private content must not be read from the cache without the credential for it.
        reference: Of the repository.
        kind: `manifest` or `blob`.
        digest: Of the content.
    """
    return f"{partition}|{reference.name}|{kind}|{digest}"


def _is(data: bytes, descriptor: Descriptor) -> bool:
    return len(data) == descriptor.size and descriptor.digest.matches(data)


@dataclass(slots=True)
class _Spent:
    """The bytes that one validation has read; shared by copies of its `Content`."""

    bytes: int = 0


@dataclass(slots=True)
class Content:
    """Reads the content of one validation, from one store through the engine's cache.

    Attributes:
        store: The store.
        limits: Bounds on each document and on all together.
        cache: The engine's cache; None for no cache.
        partition: Keeps apart what different credentials may read.
        flights: Shares downloads between validations at the same time.
        places: The slots for artifacts with large documents, shared by all validations.
        lease: The slot of the artifact that is read; None where no artifact is.
        beside: The slot, shared by all validations, for artifacts that are read on behalf of one which holds a slot itself.
    """

    store: Store
    limits: Limits = field(default_factory=Limits)
    cache: ContentCache | None = None
    partition: str = ""
    flights: SingleFlight[bytes] = field(default_factory=SingleFlight)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_ARTIFACTS))
    lease: Lease | None = None
    beside: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _spent: _Spent = field(default_factory=_Spent)

    @contextmanager
    def for_artifact(self, *, beside: bool = False) -> Iterator["Content"]:
        """Return a `Content` for one artifact; a large document of it waits for a slot, which is kept until the context ends.

        Args:
            beside: Whether it is read on behalf of another artifact, whose own slot it would otherwise wait for in vain.
        """
        lease = Lease(self.beside if beside else self.places)
        try:
            yield replace(self, lease=lease)
        finally:
            lease.release()

    async def manifest(self, reference: Reference, descriptor: Descriptor) -> bytes:
        """Return the checked bytes of a manifest.

        Raises:
            StoreError: `SIZE_EXCEEDED`, `SIZE_MISMATCH`, `DIGEST_MISMATCH`, or why it could not be read.
        """
        return await self._get(
            reference, descriptor, "manifest", self.limits.manifest_bytes, self.store.fetch_manifest
        )

    async def blob(self, reference: Reference, descriptor: Descriptor) -> bytes:
        """Return the checked bytes of a blob; errors as for a manifest."""
        return await self._get(reference, descriptor, "blob", self.limits.blob_bytes, self.store.fetch_blob)

    async def accept(self, data: bytes, descriptor: Descriptor) -> bytes:
        """Check bytes that the store delivered with a listing, against the same bounds.

        Raises:
            StoreError: `SIZE_EXCEEDED`, `SIZE_MISMATCH` or `DIGEST_MISMATCH`.
        """
        # Before the bytes are hashed: a listing may deliver any amount.
        self._spend(descriptor, self.limits.manifest_bytes)
        if self.lease is not None:
            await self.lease.take(descriptor.size)
        await offload(len(data), check_content, data, descriptor)
        return data

    async def _get(
        self,
        reference: Reference,
        descriptor: Descriptor,
        kind: str,
        limit: int,
        fetch: Callable[[Reference, Descriptor, int], Awaitable[bytes]],
    ) -> bytes:
        # Spent by the announced size, before the download: it is the most that `fetch` may return.
        self._spend(descriptor, limit)
        if self.lease is not None:
            await self.lease.take(descriptor.size)
        key = content_key(self.partition, reference, kind, descriptor.digest)
        cached = self.cache.get(key) if self.cache is not None else None
        # A cache is shared or on disk, so not trusted; other content is a miss and is fetched again.
        if cached is not None and await offload(len(cached), _is, cached, descriptor):
            return cached
        # The size is part of the key: a listing with a wrong size must not spoil the download with the right one.
        data = await self.flights.run(
            f"{key}|{descriptor.size}",
            partial(from_store, partial(fetch, reference, descriptor, descriptor.size)),
        )
        await offload(len(data), check_content, data, descriptor)
        if self.cache is not None:
            self.cache.put(key, data)
        return data

    def _spend(self, descriptor: Descriptor, limit: int) -> None:
        if not 0 <= descriptor.size <= limit:
            raise StoreError(
                Reason.SIZE_EXCEEDED,
                f"{descriptor.digest} has {descriptor.size} bytes, more than the {limit} allowed",
            )
        self._spent.bytes += descriptor.size
        if self._spent.bytes > self.limits.total_bytes:
            raise StoreError(
                Reason.SIZE_EXCEEDED, f"the evidence has more than {self.limits.total_bytes} bytes in all"
            )
