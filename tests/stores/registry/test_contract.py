"""The registry store keeps the contract of stores, with every kind of registry."""

from collections.abc import AsyncIterator

import pytest

from pyratify.testing.registry import BasicAuth, BearerAuth, Features, RegistrySimulator
from pyratify.testing.store_contract import StoreCase, StoreContract, fill
from support.registries import USER, Credentials, open_store

KINDS = {
    "api": Features(),
    "paged": Features(page_size=1),
    "no api": Features(referrers_api=False),
    "config types": Features(config_types=True, filters=False, annotations=False, digest_header=False),
}


class TestRegistryStore(StoreContract):
    """Every kind of registry."""

    @pytest.fixture(params=list(KINDS))
    async def case(self, request: pytest.FixtureRequest) -> AsyncIterator[StoreCase]:
        """A store over a simulator."""
        with RegistrySimulator(features=KINDS[request.param]) as registry:
            sample = fill(registry.repository("app"))
            async with open_store() as store:
                yield StoreCase(store, registry.reference("app", "v1"), sample)


class TestAuthenticated(StoreContract):
    """Registries that ask for a password or a token."""

    @pytest.fixture(params=["basic", "bearer", "anonymous bearer"])
    async def case(self, request: pytest.FixtureRequest) -> AsyncIterator[StoreCase]:
        """A store over a simulator with authentication."""
        anonymous = request.param == "anonymous bearer"
        auth = BasicAuth() if request.param == "basic" else BearerAuth(anonymous=anonymous)
        with RegistrySimulator(auth=auth) as registry:
            credentials = Credentials({} if anonymous else {registry.host: USER})
            sample = fill(registry.repository("app"))
            async with open_store(credentials=credentials) as store:
                yield StoreCase(store, registry.reference("app", "v1"), sample)
