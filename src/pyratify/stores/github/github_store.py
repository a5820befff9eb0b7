"""A registry, and beside it the attestations that are only in GitHub's API."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from copy import copy
from typing import TYPE_CHECKING

from pyratify.core.caching import LruCache, MemoryCache
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.limits import MIB
from pyratify.core.manifest import EMPTY_CONFIG, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer, closing
from pyratify.stores.github.github_api import MAX_LISTING, GitHubApi
from pyratify.stores.registry.registry_store import RegistryStore

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
# OCI image manifest, "Guidance for an Empty Descriptor".
_EMPTY = b"{}"
# More than one listing has, which would otherwise evict what it listed first.
_MEMORY = MAX_LISTING + 16 * MIB
_LISTED = 20_000  # digests of bundles that were listed


class GitHubStore:
    """Lists what a registry has attached, then GitHub's bundles for the same digest, each as an artifact with one layer.

    The artifact's manifest is made here, without a subject: as with cosign's tags, a verifier has to bind what is signed in
    the bundle. Bundles stay in memory from their listing until they are read.

    Args:
        registry: Everything else is read from here; closed with this store.
        api: GitHub's API; its transport is closed with this store.
        memory: How many bytes of bundles are kept for their readers.
    """

    def __init__(self, registry: RegistryStore, api: GitHubApi, memory: int = _MEMORY) -> None:
        self._registry = registry
        self._api = api
        self._bundles = MemoryCache(memory)
        self._made = MemoryCache(MIB)
        self._listed_here = LruCache[bool](_LISTED)

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names, as in `Store`."""
        return await self._registry.resolve(reference)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what is attached in the registry, then over GitHub's; errors as in `Store`."""
        async with closing(self._registry.referrers(reference, artifact_type)) as listing:
            async for referrer in listing:
                yield referrer
        # Asked second: the walk may end before. Of what was made here GitHub knows nothing.
        if reference.digest is None or self._made.get(reference.digest) is not None:
            return
        async with aclosing(self._listed(reference.digest)) as bundles:
            async for referrer in bundles:
                yield referrer

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a manifest of the registry, as in `Store`; those made here come with their listing."""
        made = self._made.get(descriptor.digest)
        return made if made is not None else await self._registry.fetch_manifest(reference, descriptor, limit)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a bundle, or of a blob of the registry, as in `Store`."""
        bundle = self._bundles.get(descriptor.digest)
        if bundle is not None and len(bundle) <= limit:
            return bundle
        try:
            return await self._registry.fetch_blob(reference, descriptor, limit)
        except StoreError as error:
            if error.reason is not Reason.BLOB_NOT_FOUND or self._listed_here.get(descriptor.digest) is None:
                raise
        # Not the registry's answer: that would mean that the publisher never pushed it, and a denial in it would go unread.
        raise StoreError(
            Reason.REGISTRY_BUSY,
            f"{descriptor.digest}, a bundle of GitHub's, is no longer in memory: the attestations of the images that are verified at "
            f"the same time need more of it than there is for them",
            remedy="Try again, or verify fewer images at the same time.",
        )

    def with_credentials(self, scope: "CredentialScope") -> "GitHubStore":
        """Return a store that reads its registry with the credentials of a scope, as in `CredentialedStore`."""
        found = copy(self)  # with its bundles: GitHub's API is always asked with the configuration's token
        found._registry = self._registry.with_credentials(scope)  # noqa: SLF001 - it is one of its own kind
        return found

    async def aclose(self) -> None:
        """Close the connections to both."""
        try:
            await self._registry.aclose()
        finally:
            await self._api.transport.aclose()

    async def _listed(self, digest: Digest) -> AsyncGenerator[Referrer, None]:
        async with aclosing(self._api.bundles(digest)) as bundles:
            async for bundle in bundles:
                yield self._keep(bundle)

    def _keep(self, bundle: bytes) -> Referrer:
        layer = Descriptor(BUNDLE, Digest.of(bundle), len(bundle))
        manifest = _manifest(layer)
        descriptor = Descriptor(OCI_MANIFEST, Digest.of(manifest), len(manifest), artifact_type=BUNDLE)
        # Before it is listed: the walk may read it at once, and no server has it.
        self._bundles.put(layer.digest, bundle)
        self._listed_here.put(layer.digest, value=True, weight=1)
        self._made.put(descriptor.digest, manifest)
        return Referrer(descriptor, Discovery.GITHUB, manifest)


def _manifest(layer: Descriptor) -> bytes:
    def described(media_type: str, data: Digest, size: int) -> dict[str, object]:
        return {"mediaType": media_type, "digest": str(data), "size": size}

    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": BUNDLE,
        "config": described(EMPTY_CONFIG, Digest.of(_EMPTY), len(_EMPTY)),
        "layers": [described(layer.media_type, layer.digest, layer.size)],
    }
    return json.dumps(document, separators=(",", ":")).encode()
