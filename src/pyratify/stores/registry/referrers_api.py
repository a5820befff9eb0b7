"""The referrers API (OCI distribution specification, "Listing Referrers"), asked host by host and page by page."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import quote

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.http.transport import Response
from pyratify.stores.registry.capabilities import Capabilities
from pyratify.stores.registry.client import Read, RegistryClient
from pyratify.stores.registry.mirrors import Reader
from pyratify.stores.registry.referrers import Pages, next_link
from pyratify.stores.registry.responses import (
    EMPTY_LISTING,
    Listing,
    is_index,
    media_type,
    read_listing,
    shown,
)

# How registries without the API answer; any other answer that is no list says so too, but less surely.
_NO_API = frozenset({400, 404, 405, 406, 410, 501})
# Refused, overloaded or broken: such an answer does not say whether there is a list.
_NO_ANSWER = frozenset({401, 403, 407, 408, 425, 429, 451, *range(500, 600)} - {501, 505})
_STATUSES = frozenset(range(200, 600)) - _NO_ANSWER


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of asking for the first page.

    Attributes:
        read: The request that was answered with a list; None where none was.
        response: Its answer.
        listing: The answer's entries.
        skipped: Whether a host was not asked because it is known to have no referrers API.
        refused: What stood in place of a list, for messages.
        odd: Whether that is no answer of a registry without the API, but a web page or another document.
        error: Why the last host did not answer.
    """

    read: Read | None = None
    response: Response | None = None
    listing: Listing = EMPTY_LISTING
    skipped: bool = False
    refused: str = ""
    odd: bool = False
    error: StoreError | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing that can be read is listed, on this page or on a next one."""
        more = self.response is not None and next_link(self.response) is not None
        return not (self.listing.descriptors or more)


class ReferrersApi:
    """Asks for referrers.

    An answer that is no image index, by its status or its Content-Type, means that there is no such API.

    Args:
        client: Makes the single reads.
        reader: Tells where a reference is read.
        capabilities: What is known of registries.
        limit: The largest page in bytes.
    """

    def __init__(
        self, client: RegistryClient, reader: Reader, capabilities: Capabilities, limit: int
    ) -> None:
        self._client = client
        self._reader = reader
        self._capabilities = capabilities
        self._limit = limit

    async def open(
        self, reference: Reference, digest: Digest, artifact_type: str | None, *, again: bool = False
    ) -> Opening:
        """Return the first page of the first host that lists something; it does not raise.

        Args:
            reference: Where what is attached is listed.
            digest: The subject.
            artifact_type: Only this type is wanted.
            again: Ask also hosts that are known to have no referrers API.
        """
        opening = Opening()
        for read in self._reads(reference, digest, artifact_type):
            if not again and self._capabilities.without_api(read.registry):
                opening = replace(opening, skipped=True, error=None)
                continue
            opening = await self._ask(read, digest, opening)
            if not opening.is_empty:
                break
        return opening

    async def pages(self, opening: Opening) -> AsyncGenerator[Listing, None]:
        """Iterate over the pages of a list, of which the first is there.

        Raises:
            StoreError: A page could not be had.
        """
        read, response, listing = opening.read, opening.response, opening.listing
        if read is None or response is None:
            return
        url = await self._client.url(read)
        pages = Pages(url)
        while True:
            yield listing
            following = pages.next(url, response, len(listing.descriptors))
            if following is None:
                return
            url = following
            response = await self._client.get(replace(read, url=url))
            if not is_index(response):
                raise StoreError(
                    Reason.REGISTRY_ERROR,
                    f"{read.registry} lists a page of {read.what} and answers for it with {_answer_of(response)}",
                )
            listing = await offload(len(response.body), read_listing, response)

    def _reads(self, reference: Reference, digest: Digest, artifact_type: str | None) -> tuple[Read, ...]:
        query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
        reads = self._reader.reads(
            reference,
            f"referrers/{digest}{query}",
            f"the referrers of {digest}",
            accept=OCI_INDEX,
            limit=self._limit,
        )
        return tuple(replace(read, forbidden=Reason.REGISTRY_ERROR, statuses=_STATUSES) for read in reads)

    async def _ask(self, read: Read, digest: Digest, before: Opening) -> Opening:
        try:
            response = await self._client.get(read)
            if not is_index(response):
                self._capabilities.unanswered(read.registry, read.repository, digest)
                odd = response.status not in _NO_API
                return replace(before, refused=_answer_of(response), odd=odd, error=None)
            listing = await offload(len(response.body), read_listing, response)
        except StoreError as error:
            return replace(before, error=error)
        self._capabilities.answered(read.registry, len(listing.descriptors))
        return replace(before, read=read, response=response, listing=listing, odd=False, error=None)


def _answer_of(response: Response) -> str:
    if response.status != 200:
        return f"HTTP {response.status}"
    if media_type(response) == "text/html":
        return "a web page ('text/html')"
    return repr(shown(media_type(response))) if response.body.strip() else "nothing"
