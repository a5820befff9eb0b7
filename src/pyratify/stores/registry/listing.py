"""Listing what is attached to a subject, with the fewest requests in sequence."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import MANIFEST_TYPES, OCI_INDEX
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer
from pyratify.stores.registry.client import Read, RegistryClient
from pyratify.stores.registry.complaints import error_code
from pyratify.stores.registry.documents import Listing, describe, read_listing
from pyratify.stores.registry.options import ReferrersMode, RegistryOptions
from pyratify.stores.registry.reading import Reader
from pyratify.stores.registry.referrers import Pages, cosign_tags, referrers_tag
from pyratify.stores.registry.transport import Response

ACCEPT_MANIFEST = ", ".join(MANIFEST_TYPES)
_MAX_REMEMBERED = 1024
_UNKNOWN_SUBJECT = ("NAME_UNKNOWN", "MANIFEST_UNKNOWN")


class Lister:
    """Lists referrers; which registries have no referrers API is remembered for its life.

    Args:
        client: Makes the single reads.
        reader: Reads over several hosts.
        options: The store's settings.
    """

    def __init__(self, client: RegistryClient, reader: Reader, options: RegistryOptions) -> None:
        self._client = client
        self._reader = reader
        self._options = options
        self._without_api: set[str] = set()

    async def referrers(
        self, reference: Reference, artifact_type: str | None
    ) -> AsyncGenerator[Referrer, None]:
        """Iterate over referrers, then over cosign's tags, which are asked for beside them.

        Raises:
            StoreError: As in `Store.referrers`.
        """
        digest = _digest_of(reference)
        reference = self._reader.attached_to(reference)
        tags = [asyncio.create_task(self._cosign_tag(reference, tag)) for tag in self._tags(digest)]
        try:
            async with aclosing(self._referrers(reference, digest, artifact_type)) as referrers:
                async for referrer in referrers:
                    yield referrer
            for task in tags:
                tagged = await task
                if tagged is not None:
                    yield tagged
        finally:
            for task in tags:
                task.cancel()
            await asyncio.gather(*tags, return_exceptions=True)

    def _tags(self, digest: Digest) -> tuple[str, ...]:
        options = self._options
        if not options.cosign_tags:
            return ()
        return cosign_tags(digest, options.cosign_suffixes, options.cosign_tag_prefix)

    async def _referrers(
        self, reference: Reference, digest: Digest, artifact_type: str | None
    ) -> AsyncGenerator[Referrer, None]:
        page = await self._first_page(reference, digest, artifact_type)
        if page is not None:
            async with aclosing(self._pages(*page)) as listings:
                async for listing in listings:
                    for referrer in _entries(listing, Discovery.REFERRERS_API):
                        yield referrer
            return
        if self._options.referrers is ReferrersMode.API:
            raise StoreError(
                Reason.REGISTRY_ERROR,
                f"{reference.registry} has no referrers API, and the store's settings rule the tag schema out",
            )
        listing = await self._tagged_index(reference, referrers_tag(digest))
        for referrer in _entries(listing, Discovery.REFERRERS_TAG):
            yield referrer

    async def _first_page(
        self, reference: Reference, digest: Digest, artifact_type: str | None
    ) -> tuple[Read, Response] | None:
        """Return the first page of the first host with a referrers API; None when there is none."""
        if self._options.referrers is ReferrersMode.TAG:
            return None
        query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
        reads = self._reader.reads(
            reference,
            f"referrers/{digest}{query}",
            f"the referrers of {digest}",
            accept=OCI_INDEX,
            limit=self._options.max_manifest_bytes,
        )
        for read in (replace(read, forbidden=Reason.REGISTRY_ERROR) for read in reads):
            if read.registry in self._without_api:
                continue
            try:
                response = await self._page(read)
            except StoreError:
                if read.registry == reads[-1].registry:
                    raise
                continue
            if response is not None:
                return read, response
        return None

    async def _page(self, read: Read) -> Response | None:
        """Return a page; None for 404, which alone means that there is no referrers API."""
        response = await self._client.get(read)
        if response.status == 200:
            return response
        if error_code(response) not in _UNKNOWN_SUBJECT and len(self._without_api) < _MAX_REMEMBERED:
            self._without_api.add(read.registry)
        return None

    async def _pages(self, read: Read, response: Response) -> AsyncGenerator[Listing, None]:
        url = self._client.url(read)
        pages = Pages(url)
        while True:
            listing = read_listing(response)
            yield listing
            following = pages.next(url, response, len(listing.descriptors))
            if following is None:
                return
            url = following
            answer = await self._page(replace(read, url=url))
            if answer is None:
                raise StoreError(
                    Reason.REGISTRY_ERROR,
                    f"{read.registry} lists a page of {read.what} that it does not have",
                )
            response = answer

    async def _tagged_index(self, reference: Reference, tag: str) -> Listing:
        reads = self._tag_reads(reference, tag, OCI_INDEX)
        listing = await self._reader.first(reads, partial(_index, reference.tagged(tag)))
        return listing or Listing(())

    async def _cosign_tag(self, reference: Reference, tag: str) -> Referrer | None:
        reads = self._tag_reads(reference, tag, ACCEPT_MANIFEST)
        return await self._reader.first(reads, partial(_tagged, reference.tagged(tag)))

    def _tag_reads(self, reference: Reference, tag: str, accept: str) -> tuple[Read, ...]:
        limit = self._options.max_manifest_bytes
        return self._reader.reads(reference, f"manifests/{tag}", f"the tag {tag}", accept=accept, limit=limit)


def _index(reference: Reference, response: Response) -> Listing:
    describe(response, reference)
    return read_listing(response)


def _tagged(reference: Reference, response: Response) -> Referrer:
    return Referrer(describe(response, reference), Discovery.COSIGN_TAG, response.body)


def _entries(listing: Listing, discovery: Discovery) -> Iterator[Referrer]:
    for descriptor in listing.descriptors:
        yield Referrer(descriptor, discovery)
    if listing.error is not None:
        raise listing.error


def _digest_of(reference: Reference) -> Digest:
    if reference.digest is None:
        raise StoreError(Reason.NOT_FOUND, f"{reference} has to be resolved before its referrers are listed")
    return reference.digest
