"""The interface of stores: where artifacts and what is attached to them are read from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pyratify.core.descriptor import Descriptor
from pyratify.core.reference import Reference

COSIGN_TAGS = ("sig", "att", "sbom")
"""The endings of cosign's tags: signatures, attestations, SBOMs."""


class Discovery(StrEnum):
    """How a referrer was found."""

    REFERRERS_API = "referrers-api"
    REFERRERS_TAG = "referrers-tag"
    COSIGN_TAG = "cosign-tag"
    LAYOUT = "layout"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Referrer:
    """An artifact that is said to be attached to a subject.

    Attributes:
        descriptor: What the store says it is; only the digest of it is believed.
        discovery: How it was found.
        manifest: The bytes of its manifest where the store has read them already; checked like all others.
    """

    descriptor: Descriptor
    discovery: Discovery
    manifest: bytes | None = None


class Store(Protocol):
    """Reads from a registry, a layout or any other place.

    A store does no verification: digests, sizes and subjects are checked by `pyratify.core.content` and the executor.
    Every method raises `StoreError`, and nothing else, for what it cannot deliver.
    """

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names; a tag becomes a digest here, exactly once.

        Raises:
            StoreError: `NOT_FOUND`, or why it could not be resolved.
        """
        ...

    def referrers(self, reference: Reference, artifact_type: str | None = None) -> AsyncIterator[Referrer]:
        """Iterate over what is attached to the digest that the reference names, lazily, in the store's order.

        Args:
            reference: The subject, by digest.
            artifact_type: Only this type is wanted; a store may use it to ask for less, and may list others all the same.

        Raises:
            StoreError: The listing could not be had; a subject without referrers is an empty listing.
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
