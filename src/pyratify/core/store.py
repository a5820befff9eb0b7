"""The interface of stores, which read artifacts and their referrers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.reference import Reference

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope

COSIGN_TAGS = ("sig", "att", "sbom")
"""The endings of cosign's tags: signatures, attestations, SBOMs."""


class Discovery(StrEnum):
    """How a referrer was found."""

    REFERRERS_API = "referrers-api"
    REFERRERS_TAG = "referrers-tag"
    COSIGN_TAG = "cosign-tag"
    LAYOUT = "layout"
    FILE = "file"
    INDEX = "index"
    GITHUB = "github"

    @property
    def may_lack_subject(self) -> bool:
        """Whether what is found so need not name a subject, as other text than its own manifest attaches it."""
        return self in (Discovery.COSIGN_TAG, Discovery.INDEX, Discovery.GITHUB)


@dataclass(frozen=True, slots=True)
class Referrer:
    """An artifact that a store lists as attached to a subject.

    Attributes:
        descriptor: As listed; only its digest is trusted, once content matches it.
        discovery: How it was found.
        manifest: The bytes of its manifest where the store has read them already; checked like all others.
    """

    descriptor: Descriptor
    discovery: Discovery
    manifest: bytes | None = None


class Store(Protocol):
    """Reads from a registry, an image layout or another source.

    A store verifies nothing: `core.content` checks digests and sizes, `core.examine` checks subjects. Methods raise
    `StoreError` and no other exception.
    """

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return the descriptor of a reference; a tag becomes a digest here, exactly once.

        Raises:
            StoreError: `NOT_FOUND`, or why it could not be resolved.
        """
        ...

    def referrers(self, reference: Reference, artifact_type: str | None = None) -> AsyncIterator[Referrer]:
        """Iterate over what is attached to the digest that the reference names, lazily, in the store's order.

        Args:
            reference: The subject, by digest.
            artifact_type: A filter that a store may pass on to its source; it may list other types too.

        Raises:
            StoreError: The listing failed; a subject without referrers is an empty listing.
        """
        ...

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a manifest of the reference's repository, at most `limit` of them.

        Raises:
            StoreError: `NOT_FOUND`, `SIZE_EXCEEDED`, or why it could not be read.
        """
        ...

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a blob of the reference's repository, at most `limit` of them.

        Raises:
            StoreError: `BLOB_NOT_FOUND`, `SIZE_EXCEEDED`, or why it could not be read.
        """
        ...


@asynccontextmanager
async def closing(listing: AsyncIterator[Referrer]) -> AsyncIterator[AsyncIterator[Referrer]]:
    """Close a store's listing at the end of the block: a generator that is left suspended keeps its request open.

    Args:
        listing: What `Store.referrers` returned; it need not be a generator.
    """
    try:
        yield listing
    finally:
        close = getattr(listing, "aclose", None)
        if close is not None:
            await close()


@runtime_checkable
class CredentialedStore(Store, Protocol):
    """A store that can read with other credentials than those that it was configured with."""

    def with_credentials(self, scope: "CredentialScope") -> Store:
        """Return a store that asks the scope for credentials first, and remembers nothing together with this one.

        It uses this store's connections, and is not closed.
        """
        ...


def with_credentials(store: Store, scope: "CredentialScope") -> Store:
    """Return a store that reads with the credentials of a scope; the store itself where it needs none."""
    return store.with_credentials(scope) if isinstance(store, CredentialedStore) else store
