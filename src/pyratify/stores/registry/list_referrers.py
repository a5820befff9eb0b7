"""Listing what is attached to a subject: evidence of all sources, with the fewest requests in sequence."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.isolation import end, release
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer
from pyratify.stores.registry.capabilities import Capabilities
from pyratify.stores.registry.client import RegistryClient
from pyratify.stores.registry.mirrors import Reader
from pyratify.stores.registry.referrers_api import Opening, ReferrersApi
from pyratify.stores.registry.registry_options import ReferrersMode, RegistryOptions
from pyratify.stores.registry.responses import EMPTY_LISTING, Listing
from pyratify.stores.registry.tags import Tags

# How long, in seconds, the first page of referrers waits for a cosign tag that is slower than it.
_PATIENCE = 0.25
# After how many seconds without a first page of referrers the referrers tag is asked for beside it.
_SLOW = 1.0


class Lister:
    """Lists what is attached.

    Args:
        client: Makes the single reads.
        reader: Reads over several hosts.
        options: The store's settings.
        capabilities: What is known of registries.
    """

    def __init__(
        self, client: RegistryClient, reader: Reader, options: RegistryOptions, capabilities: Capabilities
    ) -> None:
        self._reader = reader
        self._api = ReferrersApi(client, reader, capabilities, options.max_manifest_bytes)
        self._tags = Tags(reader, options)
        self._mode = options.referrers
        self._capabilities = capabilities

    async def referrers(
        self, reference: Reference, artifact_type: str | None
    ) -> AsyncGenerator[Referrer, None]:
        """Iterate over cosign's tags, which are asked for beside the referrers, and then over these.

        What could not be listed hides nothing that was found elsewhere: it is raised at the end.

        Raises:
            StoreError: As in `Store.referrers`.
        """
        digest = _digest_of(reference)
        place = self._reader.attached_to(reference)
        tags = [asyncio.create_task(self._tags.manifest(place, tag)) for tag in self._tags.cosign(digest)]
        search = _Search(self._api, self._tags, self._mode, self._capabilities, place, digest, artifact_type)
        first = asyncio.create_task(search.first())
        try:
            async with aclosing(search.run(first, tags)) as found:
                async for referrer in found:
                    yield referrer
        finally:
            await end(first, *tags, *search.asking)


_Tag = asyncio.Task[Referrer | None]


@dataclass(frozen=True, slots=True)
class _First:
    """What was asked for beside cosign's tags: the first page of referrers, and the tag schema where it lists nothing.

    Attributes:
        asking: Brings the first page; not done where it is slow, and the tag schema was asked for meanwhile.
        index: What the referrers tag lists.
    """

    asking: "asyncio.Task[Opening]"
    index: Listing = EMPTY_LISTING


@dataclass(slots=True)
class _Search:
    """One listing: where it looks, and what could not be listed."""

    api: ReferrersApi
    tags: Tags
    mode: ReferrersMode
    capabilities: Capabilities
    place: Reference
    digest: Digest
    artifact_type: str | None
    gaps: list[StoreError] = field(default_factory=list)
    odd: StoreError | None = None
    asking: list["asyncio.Task[Opening]"] = field(default_factory=list)
    found: int = 0

    async def first(self) -> _First:
        """Ask for the first page of referrers and, where that lists nothing, for the referrers tag; it does not raise."""
        asking = asyncio.create_task(self._open())
        self.asking.append(asking)
        await asyncio.wait((asking,), timeout=_SLOW)
        falls_back = self._falls_back(asking.result()) if asking.done() else self._does_not_wait()
        if not falls_back:
            await asyncio.wait((asking,))
            return _First(asking)
        try:
            return _First(asking, await self.tags.index(self.place, self.digest))
        except StoreError as error:
            return _First(asking, Listing((), error))

    async def _open(self) -> Opening:
        if self.mode is ReferrersMode.TAG:
            return Opening()
        only = self.mode is ReferrersMode.API
        return await self.api.open(self.place, self.digest, self.artifact_type, again=only)

    def _does_not_wait(self) -> bool:
        """Return whether the referrers tag is asked for before the first page has come."""
        lists = self.capabilities.lists_referrers(self.place.registry)
        return self.mode is not ReferrersMode.API and not lists

    async def run(self, first: "asyncio.Task[_First]", tags: list[_Tag]) -> AsyncGenerator[Referrer, None]:
        """Iterate over everything; a tag that is much slower than the first page comes last."""
        late: list[_Tag] = []
        for tag in tags:
            if not await _arrives(tag, first):
                late.append(tag)
            elif (referrer := await self._tagged(tag)) is not None:
                yield referrer
        async with aclosing(self._listed(await first)) as listed:
            async for referrer in listed:
                yield referrer
        for tag in late:
            if (referrer := await self._tagged(tag)) is not None:
                yield referrer
        if self.odd and not self.found:
            self._miss(self.odd)
        if self.gaps:
            raise self.gaps[0]

    def _miss(self, error: StoreError) -> None:
        """Note what could not be listed; released, because of several only the first is raised, and frames of all lead back here."""
        release(error)
        self.gaps.append(error)

    async def _tagged(self, tag: _Tag) -> Referrer | None:
        try:
            referrer = await tag
        except StoreError as error:
            self._miss(error)
            return None
        self.found += referrer is not None
        return referrer

    async def _listed(self, first: _First) -> AsyncGenerator[Referrer, None]:
        slow = not first.asking.done()
        index = self._entries(first.index, Discovery.REFERRERS_TAG)
        if slow:
            for referrer in index:
                yield referrer
        opening = await first.asking
        async with aclosing(self._from_api(opening)) as referrers:
            async for referrer in referrers:
                yield referrer
        for referrer in index:
            yield referrer
        if opening.skipped and not self.found:  # that there is no such API may be true no longer
            again = await self.api.open(self.place, self.digest, self.artifact_type, again=True)
            async with aclosing(self._from_api(again)) as referrers:
                async for referrer in referrers:
                    yield referrer

    def _falls_back(self, opening: Opening) -> bool:
        """Return whether the referrers tag is asked for: where nothing is listed, though something may be attached."""
        if self.mode is ReferrersMode.API:
            return False
        if opening.error is not None:
            return opening.error.reason is not Reason.TIMEOUT
        if not opening.is_empty:
            return False
        return opening.read is None or not self.capabilities.lists_referrers(opening.read.registry)

    async def _from_api(self, opening: Opening) -> AsyncGenerator[Referrer, None]:
        if opening.error is not None:
            self._miss(opening.error)
        elif opening.read is None and self.mode is ReferrersMode.API:
            self._miss(self._without_api(opening))
        elif opening.odd:
            self.odd = self._odd_answer(opening)
        try:
            async with aclosing(self.api.pages(opening)) as pages:
                async for listing in pages:
                    for referrer in self._entries(listing, Discovery.REFERRERS_API):
                        yield referrer
        except StoreError as error:
            self._miss(error)

    def _entries(self, listing: Listing, discovery: Discovery) -> Iterator[Referrer]:
        if listing.error is not None:
            self._miss(listing.error)
        for descriptor in listing.descriptors:
            self.found += 1
            yield Referrer(descriptor, discovery)

    def _odd_answer(self, opening: Opening) -> StoreError:
        return StoreError(
            Reason.REGISTRY_ERROR,
            f"{self.place.registry} answers a request for referrers with {opening.refused}, and lists nothing by tags either",
            remedy="See whether that is a registry, and whether a proxy or a login page stands before it.",
        )

    def _without_api(self, opening: Opening) -> StoreError:
        answer = f": it answers a request for them with {opening.refused}" if opening.refused else ""
        return StoreError(
            Reason.REGISTRY_ERROR,
            f"{self.place.registry} has no referrers API{answer}; the store's `referrers: api` rules the tag schema out",
            remedy="Set `referrers` to `auto`, so that the referrers tag is read too.",
        )


async def _arrives(tag: _Tag, first: "asyncio.Task[_First]") -> bool:
    """Wait for a tag, but not much longer than for the first page."""
    await asyncio.wait((tag, first), return_when=asyncio.FIRST_COMPLETED)
    if not tag.done():
        await asyncio.wait((tag,), timeout=_PATIENCE)
    return tag.done()


def _digest_of(reference: Reference) -> Digest:
    if reference.digest is None:
        raise StoreError(Reason.NOT_FOUND, f"{reference} has to be resolved before its referrers are listed")
    return reference.digest
