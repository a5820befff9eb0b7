"""The connection to a runtime: registered, asked, lost and made again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pyratify.core.isolation import end
from pyratify.core.protobuf import texts
from pyratify.core.store import Referrer
from pyratify.entrypoints.node.nri.connection import NriConnection
from pyratify.entrypoints.node.nri.plugin import NriPlugin
from pyratify.entrypoints.node.nri.ttrpc import PLUGIN, REQUEST, RESPONSE, Message, result_of
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from support.nodes import judge
from support.nri import container, create, runtime, synchronize

NAME = "example.com/app:v1"


class Turning(FakeClock):
    """A clock on which a wait is one turn of the event loop."""

    async def sleep(self, seconds: float) -> None:
        """Let others go on; longer waits are deadlines, which never come."""
        self.slept.append(seconds)
        await (asyncio.sleep(0) if seconds == 1 else asyncio.Future())


class Stuck(MemoryStore):
    """A store that never answers."""

    async def referrers(self, *_: object, **__: object) -> AsyncIterator[Referrer]:  # type: ignore[override]
        """Wait for ever."""
        await asyncio.Future()
        yield  # type: ignore[misc]


def plugin() -> tuple[NriPlugin, str, str]:
    """Return a plugin, and the digests of an image with evidence and of one without."""
    store = MemoryStore()
    signed, bare = store.add_image("v1"), store.add_image("v2", b"bare")
    store.attach(signed, "application/test")
    return NriPlugin(judge=judge(store, clock=Turning())), str(signed.digest), str(bare.digest)


async def until(true: Callable[[], bool]) -> None:
    """Let others go on until it is true."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")


@asynccontextmanager
async def kept(connection: NriConnection) -> AsyncIterator[None]:
    """Stay connected until the end of the block."""
    task = asyncio.create_task(connection.keep())
    try:
        yield
    finally:
        await end(task)


async def test_a_plugin_registers_and_is_asked(tmp_path: Path) -> None:
    """By its name, first in the order; many calls at once are answered each."""
    path = tmp_path / "nri.sock"
    one, signed, bare = plugin()
    connection = NriConnection(path, one)
    assert connection.fault
    async with runtime(path) as found, kept(connection):
        await found.plugin()
        assert texts(found.registered[0].payload, 1, 2) == ("ratify", "00")
        calls = [create(container(NAME, digest)) for digest in (signed, bare) * 50]
        answers = await asyncio.gather(*map(found.ask, calls))
        assert [result_of(answer) == "" for answer in answers] == [True, False] * 50
        assert not connection.fault
        await found.ask(synchronize(container(NAME, bare, state=3)))
        assert not one.waiting


async def test_a_connection_that_ends_is_made_again(tmp_path: Path) -> None:
    """The runtime was restarted, or sent what is not the protocol; meanwhile the daemon is not ready."""
    path = tmp_path / "nri.sock"
    one, signed, _ = plugin()
    connection = NriConnection(path, one)
    async with runtime(path) as found, kept(connection):
        for broken in (b"", b"\xff" * 20):
            await found.plugin()
            if broken:
                found.send(broken)
                await until(lambda: len(found.registered) == 3)
            else:
                found.hang_up()
                await until(lambda: len(found.registered) == 2)
        await found.plugin()
        assert result_of(await found.ask(create(container(NAME, signed)))) == ""


async def test_without_a_runtime_the_daemon_is_not_ready(tmp_path: Path) -> None:
    """There is no socket, or the runtime refuses the plugin; each is said in the fault."""
    path = tmp_path / "nri.sock"
    connection = NriConnection(path, plugin()[0])
    async with kept(connection):
        await until(lambda: "No such file" in connection.fault)
        async with runtime(path) as found:
            found.refuses = True
            await until(lambda: "no plugins here" in connection.fault)


async def test_an_envelope_that_is_none_is_refused(tmp_path: Path) -> None:
    """And the connection goes on."""
    path = tmp_path / "nri.sock"
    one, signed, _ = plugin()
    async with runtime(path) as found, kept(NriConnection(path, one)):
        await found.plugin()
        found.send(Message(9, 1, REQUEST, b"").frame())
        waiting = found._waiting[99] = asyncio.get_running_loop().create_future()  # noqa: SLF001
        found.send(Message(PLUGIN, 99, REQUEST, b"\x0b").frame())
        assert result_of(await waiting).startswith("ratify: ")
        assert result_of(await found.ask(create(container(NAME, signed)))) == ""


async def test_more_calls_than_can_be_answered_are_refused(tmp_path: Path) -> None:
    """At once, instead of all of them too late."""
    path = tmp_path / "nri.sock"
    store = Stuck()
    one = NriPlugin(judge=judge(store, clock=Turning()))
    digest = str(store.add_image("v1").digest)
    async with runtime(path) as found, kept(NriConnection(path, one)):
        await found.plugin()
        calls = [asyncio.create_task(found.ask(create(container(NAME, digest)))) for _ in range(300)]
        done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert all("too many calls" in result_of(task.result()) for task in done)
        assert pending
        await end(*pending)


async def test_other_messages_are_read_over(tmp_path: Path) -> None:
    """A response that nothing asked for, and data of a stream."""
    path = tmp_path / "nri.sock"
    one, signed, _ = plugin()
    async with runtime(path) as found, kept(NriConnection(path, one)):
        await found.plugin()
        found.send(Message(PLUGIN, 5, RESPONSE, b"").frame() + Message(PLUGIN, 5, 3, b"").frame())
        assert result_of(await found.ask(create(container(NAME, signed)))) == ""
