"""The pool of the transport that keeps its connections itself."""

import asyncio
import threading

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http import transport_asyncio
from pyratify.http.http_options import HttpOptions
from pyratify.http.transport import REGISTRY, Request, Response, Transport
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import Fault, RegistrySimulator


def _request(registry: RegistrySimulator) -> Request:
    return Request(Url.parse(f"{registry.url}/v2/"), 1000, REGISTRY)


async def _together(transport: Transport, registry: RegistrySimulator, count: int) -> None:
    """Make so many requests at the same time."""
    release = threading.Event()
    registry.reset()
    registry.fault(Fault(wait=release))
    tasks = [asyncio.create_task(transport.send(_request(registry))) for _ in range(count)]
    while len(registry.hits) < count:  # noqa: ASYNC110 - the registry is in other threads
        await asyncio.sleep(0.002)
    release.set()
    answers: list[Response] = await asyncio.gather(*tasks)
    assert {answer.status for answer in answers} == {200}


async def test_a_connection_that_has_been_idle_for_long_is_not_used(registry: RegistrySimulator) -> None:
    """Servers and firewalls forget connections, some without a word."""
    clock = FakeClock()
    transport = AsyncioTransport(HttpOptions(), environ={}, monotonic=clock.monotonic)
    await transport.send(_request(registry))
    clock.advance(59)
    await transport.send(_request(registry))
    assert registry.connections == 1
    clock.advance(61)
    await transport.send(_request(registry))
    assert registry.connections == 2
    await transport.aclose()


async def test_idle_connections_are_bounded(
    registry: RegistrySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that reads from many registries does not keep a connection to each for ever."""
    monkeypatch.setattr(transport_asyncio, "_MAX_IDLE", 2)
    transport = AsyncioTransport(HttpOptions(), environ={})
    await _together(transport, registry, 5)
    await _together(transport, registry, 5)
    assert registry.connections == 8
    await transport.aclose()


async def test_what_ends_after_closing_leaves_no_connection(registry: RegistrySimulator) -> None:
    """A request under way is finished; its connection is closed, not kept."""
    transport = AsyncioTransport(HttpOptions(), environ={})
    release = threading.Event()
    registry.fault(Fault(wait=release, times=1))
    task = asyncio.create_task(transport.send(_request(registry)))
    while not registry.hits:  # noqa: ASYNC110 - the registry is in other threads
        await asyncio.sleep(0.002)
    await transport.aclose()
    release.set()
    assert (await task).status == 200
    await transport.send(_request(registry))
    assert registry.connections == 2


async def test_a_request_that_is_cancelled_before_it_is_connected_opens_nothing(
    registry: RegistrySimulator,
) -> None:
    """A resolver that hangs blocks no other request, and its late answer is dropped."""
    resolving, go_on = threading.Event(), threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        resolving.set()
        go_on.wait(10)
        return ["127.0.0.1"]

    transport = AsyncioTransport(HttpOptions(), environ={}, resolve=resolve)
    url = Url.parse(f"http://registry.example:{registry.port}/v2/")
    task = asyncio.create_task(transport.send(Request(url, 1000, REGISTRY)))
    while not resolving.is_set():  # noqa: ASYNC110 - the resolver is in another thread
        await asyncio.sleep(0.002)
    worker = next(t for t in threading.enumerate() if "registry.example" in t.name)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.to_thread(worker.join, 10)
    assert registry.hits == ()
    await transport.aclose()


async def test_a_connection_lost_twice_is_an_error(registry: RegistrySimulator) -> None:
    """A stale connection is replaced once; a server that hangs up on the new one too is unreachable."""
    transport = AsyncioTransport(HttpOptions(), environ={})
    await transport.send(_request(registry))
    registry.fault(Fault(close=True))
    with pytest.raises(StoreError) as caught:
        await transport.send(_request(registry))
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
    assert registry.connections == 2
    await transport.aclose()
