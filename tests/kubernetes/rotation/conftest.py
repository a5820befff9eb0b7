"""An API server for the rotation, and replicas that use it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import CaBundleTarget
from pyratify.kubernetes.rotation.rotator import Rotator
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from support.rotations import LIVES, SERVICE, TARGETS, Replica, install


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server with the resources whose `caBundle` clients trust."""
    with ApiServer() as found:
        for target in TARGETS:
            install(found, target)
        yield found


@pytest.fixture
def clock() -> FakeClock:
    """The clock of every replica."""
    return FakeClock()


@pytest.fixture
async def replica(
    server: ApiServer, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Callable[..., Replica]]:
    """Make replicas, by their names."""
    apis: list[Api] = []

    def make(
        name: str = "one", targets: tuple[CaBundleTarget, ...] = TARGETS, lifetimes: Lifetimes = LIVES
    ) -> Replica:
        api = Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path))})
        apis.append(api)
        replica = Replica(
            Rotator(api, SERVICE, targets, lambda *pair: replica.serve(pair), name, clock, lifetimes)
        )
        return replica

    yield make
    await asyncio.gather(*(api.aclose() for api in apis))
