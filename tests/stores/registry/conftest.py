"""Registries on this machine, and the transports."""

from collections.abc import Callable, Iterator

import pytest

from pyratify.http.transport import Transport
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.transport_aiohttp import aiohttp_transport
from pyratify.testing.registry import RegistrySimulator

TRANSPORTS: dict[str, Callable[[RegistryOptions], Transport]] = {
    "asyncio": asyncio_transport,
    "aiohttp": aiohttp_transport,
}


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry without authentication and with a referrers API."""
    with RegistrySimulator() as simulator:
        yield simulator


@pytest.fixture
def other() -> Iterator[RegistrySimulator]:
    """A second registry, at another port."""
    with RegistrySimulator() as simulator:
        yield simulator


@pytest.fixture(params=list(TRANSPORTS))
def make_transport(request: pytest.FixtureRequest) -> Callable[[RegistryOptions], Transport]:
    """Each of the transports."""
    return TRANSPORTS[request.param]
