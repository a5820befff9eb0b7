"""What is attached by tags: the index of the referrers tag schema, and the manifests under cosign's tags."""

from functools import partial

from pyratify.core.digest import Digest
from pyratify.core.manifest import MANIFEST_TYPES, OCI_INDEX
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer
from pyratify.http.transport import Response
from pyratify.stores.registry.client import Read
from pyratify.stores.registry.mirrors import Reader
from pyratify.stores.registry.referrers import cosign_tags, referrers_tag
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.responses import EMPTY_LISTING, Listing, describe, read_tagged_index

ACCEPT_MANIFEST = ", ".join(MANIFEST_TYPES)


class Tags:
    """Reads tags that belong to a digest.

    Args:
        reader: Reads over several hosts.
        options: The store's settings.
    """

    def __init__(self, reader: Reader, options: RegistryOptions) -> None:
        self._reader = reader
        self._options = options

    def cosign(self, digest: Digest) -> tuple[str, ...]:
        """Return cosign's tags for a digest, as far as they are wanted."""
        options = self._options
        if not options.cosign_tags:
            return ()
        return cosign_tags(digest, options.cosign_suffixes, options.cosign_tag_prefix)

    async def manifest(self, reference: Reference, tag: str) -> Referrer | None:
        """Return what one of cosign's tags names; None where there is no such tag.

        Raises:
            StoreError: It could not be read.
        """
        tagged = reference.tagged(tag)
        return await self._reader.first(
            self._reads(reference, tag, ACCEPT_MANIFEST), partial(_tagged, tagged)
        )

    async def index(self, reference: Reference, digest: Digest) -> Listing:
        """Return the index under the referrers tag of a digest; empty where there is none.

        Raises:
            StoreError: It could not be read, or the tag names no index.
        """
        tag = referrers_tag(digest)
        reads = self._reads(reference, tag, OCI_INDEX)
        found = await self._reader.first(reads, partial(_index, reference.tagged(tag)))
        return found or EMPTY_LISTING

    def _reads(self, reference: Reference, tag: str, accept: str) -> tuple[Read, ...]:
        limit = self._options.max_manifest_bytes
        return self._reader.reads(reference, f"manifests/{tag}", f"the tag {tag}", accept=accept, limit=limit)


def _index(reference: Reference, read: Read, response: Response) -> Listing:
    del read
    describe(response, reference)
    return read_tagged_index(response)


def _tagged(reference: Reference, read: Read, response: Response) -> Referrer:
    del read
    return Referrer(describe(response, reference), Discovery.COSIGN_TAG, response.body)
