"""The store: what the engine reads, from registries."""

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from pyratify.core.caching import MemoryCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.credential import CredentialProvider
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.limits import MIB
from pyratify.core.manifest import INDEX_TYPES, parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer
from pyratify.http.transport import Response, Transport
from pyratify.stores.registry.capabilities import Capabilities
from pyratify.stores.registry.client import Read, RegistryClient
from pyratify.stores.registry.list_referrers import Lister
from pyratify.stores.registry.mirrors import Reader
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.responses import check_manifest_type, describe
from pyratify.stores.registry.tags import ACCEPT_MANIFEST

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope

_INDEXES = 4 * MIB
"""Bytes of image indexes that were resolved and may be read next."""
_SCOPED_INDEXES = MIB // 4
"""The same for each scope of credentials, of which there may be many."""


class RegistryStore:
    """Reads manifests, referrers and blobs from OCI registries.

    What registries can do is remembered for minutes; a store belongs to one credential provider.

    Args:
        options: The settings.
        credentials: Where credentials come from.
        transport: The network; closed with the store.
        clock: Time for tokens and retries; the machine's own when omitted.
        indexes: The most bytes of image indexes that are kept between resolving and reading them.
    """

    def __init__(
        self,
        options: RegistryOptions,
        credentials: CredentialProvider,
        transport: Transport,
        clock: Clock | None = None,
        *,
        indexes: int = _INDEXES,
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._transport = transport
        self._clock = clock = clock or SystemClock()
        client = RegistryClient(options, credentials, transport, clock)
        self._capabilities = Capabilities(clock)
        self._reader = Reader(client, options)
        self._lister = Lister(client, self._reader, options, self._capabilities)
        self._indexes = MemoryCache(indexes)

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names, in one request: the manifest is read, hashed and parsed.

        Raises:
            StoreError: `NOT_FOUND`, `DIGEST_MISMATCH`, `MEDIATYPE_MISMATCH`, a code of the manifest's, or why it could
                not be read.
        """
        name = str(reference.digest or reference.tag)
        reads = self._reader.reads(
            reference,
            f"manifests/{name}",
            f"the manifest {name}",
            accept=ACCEPT_MANIFEST,
            limit=self._options.max_manifest_bytes,
        )
        found = await self._reader.first(reads, partial(_subject, reference))
        if found is None:
            raise StoreError(Reason.NOT_FOUND, f"{reference} was not found")
        read, descriptor, body = found
        self._capabilities.found(read.registry, read.repository, descriptor.digest)
        # Where its platforms are judged, an index is read next: that costs no second request.
        if descriptor.media_type in INDEX_TYPES:
            self._indexes.put(f"{reference.name}@{descriptor.digest}", body)
        return descriptor

    def referrers(self, reference: Reference, artifact_type: str | None = None) -> AsyncIterator[Referrer]:
        """Iterate over what is attached: referrers first, then those of cosign's tags that are asked for.

        Raises:
            StoreError: The listing could not be had, or has an entry that cannot be read, after those that can.
        """
        return self._lister.referrers(reference, artifact_type)

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return a manifest's bytes; errors as in `Store`, and `MEDIATYPE_MISMATCH`."""
        wanted = reference.at(descriptor.digest)
        resolved = self._indexes.get(str(wanted))
        if resolved is not None and len(resolved) <= limit:
            return resolved
        reads = self._reader.everywhere(
            wanted,
            f"manifests/{descriptor.digest}",
            f"the manifest {descriptor.digest}",
            accept=ACCEPT_MANIFEST,
            limit=min(limit, self._options.max_manifest_bytes),
            expected=descriptor.size,
        )
        found = await self._reader.first(reads, partial(_manifest, descriptor, wanted))
        if found is None:
            raise StoreError(Reason.NOT_FOUND, f"{wanted} was not found")
        read, data = found
        self._capabilities.found(read.registry, read.repository, descriptor.digest)
        return data

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob's bytes; errors as in `Store`."""
        wanted = reference.at(descriptor.digest)
        reads = self._reader.everywhere(
            wanted,
            f"blobs/{descriptor.digest}",
            f"the blob {descriptor.digest}",
            accept="*/*",
            limit=min(limit, self._options.max_blob_bytes),
            expected=descriptor.size,
        )
        mirrored = len(reads) > 1  # else the engine's own check is enough
        data = await self._reader.first(reads, partial(_blob, wanted if mirrored else None))
        if data is None:
            raise StoreError(Reason.BLOB_NOT_FOUND, f"the blob {wanted} was not found")
        return data

    def with_credentials(self, scope: "CredentialScope") -> "RegistryStore":
        """Return a store with the credentials of a scope, as in `CredentialedStore`."""
        # Tokens, challenges, resolved indexes and what the registry can do: all of it may be known by the credential alone.
        credentials = scope.over(self._credentials)
        return RegistryStore(
            self._options, credentials, self._transport, self._clock, indexes=_SCOPED_INDEXES
        )

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


def _manifest(
    descriptor: Descriptor, wanted: Reference, read: Read, response: Response
) -> tuple[Read, bytes]:
    check_manifest_type(response, descriptor.media_type)
    describe(response, wanted)
    return read, response.body


def _subject(reference: Reference, read: Read, response: Response) -> tuple[Read, Descriptor, bytes]:
    found = describe(response, reference)
    try:
        return read, parse_manifest(response.body, found).descriptor, response.body
    except VerificationError as error:
        raise StoreError(error.reason, f"{reference}: {error.message}", remedy=error.remedy) from error


def _blob(wanted: Reference | None, read: Read, response: Response) -> bytes:
    del read
    if wanted is not None and wanted.digest is not None and not wanted.digest.matches(response.body):
        raise StoreError(Reason.DIGEST_MISMATCH, f"other content was delivered for {wanted}")
    return response.body
