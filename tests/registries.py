"""What tests of registries share: a source of credentials, and a store that is closed at the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import StoreError
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer
from pyratify.stores.registry.options import RegistryOptions
from pyratify.stores.registry.store import RegistryStore
from pyratify.stores.registry.transport import Transport
from pyratify.stores.registry.transport_threads import ThreadTransport
from pyratify.testing.fakes import FakeClock

USER = Credential("user", "password")


class Credentials:
    """Hands out the credentials it is given, by registry, and remembers for which it was asked."""

    def __init__(self, by_registry: Mapping[str, Credential] | None = None) -> None:
        self.by_registry = dict(by_registry or {})
        self.asked: list[str] = []

    async def credential(self, registry: str) -> Credential:
        """Return the registry's credential."""
        self.asked.append(registry)
        return self.by_registry.get(registry, ANONYMOUS)


@asynccontextmanager
async def open_store(
    *,
    credentials: Credentials | None = None,
    transport: Transport | None = None,
    clock: FakeClock | None = None,
    **options: object,
) -> AsyncIterator[RegistryStore]:
    """Give a store with these options, over threads unless another transport is given, and close it."""
    settings = RegistryOptions(**options)  # type: ignore[arg-type]
    store = RegistryStore(
        settings,
        credentials or Credentials(),
        transport or ThreadTransport(settings, environ={}),
        clock or FakeClock(),
    )
    try:
        yield store
    finally:
        await store.aclose()


async def listed(store: RegistryStore, reference: Reference) -> list[Referrer]:
    """Return everything that a store lists."""
    return [referrer async for referrer in store.referrers(reference)]


async def listed_until_error(
    store: RegistryStore, reference: Reference
) -> tuple[list[Referrer], StoreError | None]:
    """Return what a store lists, and the error that ends the list."""
    found: list[Referrer] = []
    try:
        async for referrer in store.referrers(reference):
            found.append(referrer)
    except StoreError as error:
        return found, error
    return found, None
