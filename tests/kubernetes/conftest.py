"""An API server, and a configuration that follows it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.addresses import Destinations
from pyratify.core.isolation import end
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.executors.controller import ClusterConfig, ControllerOptions
from pyratify.testing.apiserver import ApiServer
from support.clusters import SlowClock

HERE = Destinations.parse(["127.0.0.1"])


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server."""
    with ApiServer() as found:
        yield found


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a process that knows it."""
    return {"KUBECONFIG": str(server.kubeconfig(tmp_path))}


@pytest.fixture
async def open_config(kubeconfig: dict[str, str]) -> AsyncIterator[Callable[..., ClusterConfig]]:
    """Make configurations of the cluster, closed at the end."""
    made: list[ClusterConfig] = []

    def call(**how: Any) -> ClusterConfig:
        how.setdefault("options", ControllerOptions(tenant_destinations=HERE))
        made.append(ClusterConfig(Api.connect(kubeconfig), how.pop("clock", SlowClock()), **how))
        return made[-1]

    yield call
    for config in made:
        await config.aclose()


@pytest.fixture
def config(open_config: Callable[..., ClusterConfig]) -> ClusterConfig:
    """A configuration of the cluster."""
    return open_config()


@pytest.fixture
def followed() -> Callable[[ClusterConfig], AbstractAsyncContextManager[None]]:
    """Follow a cluster meanwhile."""

    @asynccontextmanager
    async def call(config: ClusterConfig) -> AsyncIterator[None]:
        task = asyncio.create_task(config.watch())
        try:
            yield
        finally:
            await end(task)

    return call
