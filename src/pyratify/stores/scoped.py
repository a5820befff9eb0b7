"""Several stores as one: each reference is read from the store whose scope covers it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Referrer, Store, closing, with_credentials

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope


class MuxStore:
    """Reads from the store of the most specific scope.

    Args:
        stores: The stores by scope. They are not closed with this one.
    """

    def __init__(self, stores: ScopeMap[Store]) -> None:
        self._stores = stores

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names, as in `Store`."""
        return await self._store(reference).resolve(reference)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what is attached, as in `Store`."""
        async with closing(self._store(reference).referrers(reference, artifact_type)) as listing:
            async for referrer in listing:
                yield referrer

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a manifest, as in `Store`."""
        return await self._store(reference).fetch_manifest(reference, descriptor, limit)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a blob, as in `Store`."""
        return await self._store(reference).fetch_blob(reference, descriptor, limit)

    def with_credentials(self, scope: "CredentialScope") -> Store:
        """Return the same stores with the credentials of a scope."""
        pairs = zip(self._stores, self._stores.values(), strict=True)
        return MuxStore(ScopeMap((covered, with_credentials(store, scope)) for covered, store in pairs))

    def _store(self, reference: Reference) -> Store:
        store = self._stores.match(reference)
        if store is None:
            raise StoreError(
                Reason.SCOPE_NO_MATCH,
                f"no store's scopes cover {reference.name}",
                remedy="Add the scope to one of the executor's stores.",
            )
        return store
