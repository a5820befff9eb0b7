"""The transport in threads: what is its own business."""

import asyncio
import threading

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.stores.registry import transport_threads
from pyratify.stores.registry.options import RegistryOptions
from pyratify.stores.registry.transport import REGISTRY, Request, Response
from pyratify.stores.registry.transport_threads import ThreadTransport
from pyratify.stores.registry.url import Url
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import Fault, RegistrySimulator


def _request(registry: RegistrySimulator) -> Request:
    return Request(Url.parse(f"{registry.url}/v2/"), 1000, REGISTRY)


async def _together(transport: ThreadTransport, registry: RegistrySimulator, count: int) -> None:
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
    transport = ThreadTransport(RegistryOptions(), environ={}, monotonic=clock.monotonic)
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
    monkeypatch.setattr(transport_threads, "_MAX_IDLE", 2)
    transport = ThreadTransport(RegistryOptions(), environ={})
    await _together(transport, registry, 5)
    await _together(transport, registry, 5)
    assert registry.connections == 8
    await transport.aclose()


async def test_what_ends_after_closing_leaves_no_connection(registry: RegistrySimulator) -> None:
    """A request under way is finished; its connection is closed, not kept."""
    transport = ThreadTransport(RegistryOptions(), environ={})
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
    """The thread finds out when it has the socket, and closes it."""
    resolving, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        resolving.set()
        go_on.wait(10)
        return [host]

    class Watched(ThreadTransport):
        def _exchange(self, *arguments: object) -> Response:
            try:
                return super()._exchange(*arguments)  # type: ignore[arg-type]
            finally:
                ended.set()

    transport = Watched(RegistryOptions(), environ={}, resolve=resolve)
    task = asyncio.create_task(transport.send(_request(registry)))
    while not resolving.is_set():  # noqa: ASYNC110 - the resolver is in another thread
        await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert registry.hits == ()
    await transport.aclose()


async def test_a_connection_lost_twice_is_an_error(registry: RegistrySimulator) -> None:
    """A stale connection is replaced once; a server that hangs up on the new one too is unreachable."""
    transport = ThreadTransport(RegistryOptions(), environ={})
    await transport.send(_request(registry))
    registry.fault(Fault(close=True))
    with pytest.raises(StoreError) as caught:
        await transport.send(_request(registry))
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
    assert registry.connections == 2
    await transport.aclose()
