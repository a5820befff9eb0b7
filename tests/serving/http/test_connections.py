"""Connections within bounds, whatever their other end does with its time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from pyratify.serving.http.activity import Watch
from pyratify.serving.http.connections import Bounds, Connections
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.testing.fakes import FakeClock
from pyratify.testing.tls import Authority

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
QUICK = Bounds(head_seconds=0.2, taking_seconds=0.2, handshake_seconds=0.2, look_seconds=0.02)


@dataclass(eq=False)
class Wire(asyncio.Transport):
    """A connection's near end, with as much as its other end has not taken."""

    waiting: int = 0
    aborted: bool = False

    def abort(self) -> None:
        """Be ended."""
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        """Return how much is waiting."""
        return self.waiting


@dataclass
class Heard(asyncio.Protocol):
    """A protocol that notes what it is told."""

    told: list[object] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note it."""
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        """Note it."""
        self.told.append(data)

    def eof_received(self) -> bool:
        """Note it."""
        self.told.append("eof")
        return True

    def pause_writing(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resume_writing(self) -> None:
        """Note it."""
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.told.append(exc)


@dataclass
class Ground:
    """Connections of a clock that stands still."""

    clock: FakeClock = field(default_factory=FakeClock)
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self.all = Connections(self.bounds, self.clock.monotonic)

    def connect(self) -> tuple[asyncio.Protocol, Wire]:
        """Open a connection."""
        wire = Wire()
        protocol = self.all.bounded(Heard())
        protocol.connection_made(wire)
        return protocol, wire

    @contextmanager
    def answering(self, wire: Wire | None) -> Iterator[None]:
        """Answer a request of a connection."""
        connection = self.all.begin(wire)
        yield
        self.all.finish(connection)

    def after(self, seconds: float, wire: Wire) -> bool:
        """Return whether a connection was ended by then."""
        self.clock.advance(seconds)
        self.all.look()
        return wire.aborted


def test_everything_is_passed_on() -> None:
    """In order, with the answer to the end of what arrives."""
    heard = Heard()
    protocol = Ground().all.bounded(heard)
    fault = OSError()
    protocol.connection_made(Wire())
    protocol.data_received(b"x")
    protocol.pause_writing()
    protocol.resume_writing()
    assert protocol.eof_received() is True
    protocol.connection_lost(fault)
    assert heard.told == ["made", b"x", "pause", "resume", "eof", fault]


def test_a_head_that_does_not_arrive_ends_the_connection() -> None:
    """Five seconds after the connection began, however many bytes have arrived one at a time."""
    ground = Ground()
    protocol, wire = ground.connect()
    for _ in range(4):
        protocol.data_received(b"G")
        assert not ground.after(1, wire)
    assert not ground.after(0.999, wire)
    assert ground.after(0.001, wire)
    assert len(ground.all) == 0


def test_an_answer_may_take_its_time() -> None:
    """The handler has deadlines of its own; between requests the connection may rest, and the next head is bounded again."""
    ground = Ground()
    protocol, wire = ground.connect()
    with ground.answering(wire):
        assert not ground.after(3600, wire)
        protocol.data_received(b"body")
        assert not ground.after(3600, wire)
    assert not ground.after(59, wire)
    protocol.data_received(b"P")
    assert not ground.after(4.999, wire)
    protocol.data_received(b"O")
    assert ground.after(0.001, wire)


def test_an_answer_that_is_not_taken_ends_the_connection() -> None:
    """Also where another request is begun meanwhile, again and again."""
    ground = Ground()
    protocol, wire = ground.connect()
    with ground.answering(wire):
        wire.waiting = 100
    assert not ground.after(9.999, wire)
    assert ground.after(0.001, wire)
    protocol, wire = ground.connect()
    with ground.answering(wire):
        wire.waiting = 100
    for _ in range(4):
        protocol.data_received(b"G")
        assert not ground.after(1, wire)
    assert ground.after(1, wire)


def test_an_answer_that_was_taken_leaves_nothing_to_wait_for() -> None:
    """The rest between requests is bounded elsewhere."""
    ground = Ground()
    _, wire = ground.connect()
    with ground.answering(wire):
        pass
    assert not ground.after(10, wire)
    wire.waiting = 100
    assert not ground.after(3600, wire)


def test_one_connection_too_many_ends_the_one_that_was_idle_for_longest() -> None:
    """Never one whose request is being answered; where all are, the new one."""
    ground = Ground(bounds=Bounds(most=3))
    wires = [ground.connect()[1] for _ in range(3)]
    with ground.answering(wires[0]):
        pass
    with ground.answering(wires[1]):
        _, fourth = ground.connect()
        assert [wire.aborted for wire in (*wires, fourth)] == [False, False, True, False]
        with ground.answering(wires[0]), ground.answering(fourth):
            _, fifth = ground.connect()
            assert [wire.aborted for wire in (*wires, fourth, fifth)] == [False, False, True, False, True]
    assert len(ground.all) == 3


def test_a_connection_that_is_gone_is_forgotten() -> None:
    """Also while its request is being answered."""
    ground = Ground()
    protocol, wire = ground.connect()
    with ground.answering(wire):
        protocol.connection_lost(None)
    assert len(ground.all) == 0
    with ground.answering(wire), ground.answering(None):
        assert not ground.after(3600, wire)


async def hello(asked: Request) -> Reply:
    """Answer with more than a connection takes by itself, if that is asked for."""
    return Reply(200, b"x" * (16 * 1024 * 1024 if asked.body == b"16" else 2))


SITE = Site(routes={("POST", "/"): hello}, refusals={})


@asynccontextmanager
async def connected(
    where: Address, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, and be gone at the end."""
    reader, writer = await asyncio.open_connection(where.host, where.port, ssl=tls)
    try:
        yield reader, writer
    finally:
        writer.close()


async def status(where: Address, tls: ssl.SSLContext | bool = True) -> int:
    """Return what a well-behaved client is answered over a new connection."""
    url = f"{'http' if tls is True else 'https'}://127.0.0.1:{where.port}/"
    async with aiohttp.ClientSession() as session, session.post(url, data=b"ok", ssl=tls) as answer:
        return answer.status


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait, for half a minute at most, until the server ends the connection."""
    async with asyncio.timeout(30):
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            return True
    return True


async def written(writer: asyncio.StreamWriter) -> None:
    """Write, for half a minute at most, and never read."""
    async with asyncio.timeout(30):
        while True:
            writer.write(b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("before", "sent"),
    [(b"", b""), (b"", b"P"), (b"", HEAD), (HEAD + b"\r\nok", HEAD)],
    ids=["nothing", "byte", "head", "second"],
)
async def test_atk_232_a_slow_head_ends_its_connection(tls: bool, before: bytes, sent: bytes) -> None:
    """Nothing sent, one byte, a head without its end, and the same after a whole request; others are served meanwhile."""
    authority = Authority()
    server = authority.server_context() if tls else None
    client = ssl.create_default_context(cadata=authority.pem) if tls else None
    async with (
        listening(SITE, Address("127.0.0.1", 0), server, bounds=QUICK) as where,
        connected(where, client) as (reader, writer),
    ):
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200")
        writer.write(sent)
        await writer.drain()
        assert await status(where, client or True) == 200
        assert await ended(reader)
        assert await status(where, client or True) == 200


async def test_atk_232_an_answer_that_is_not_read_ends_its_connection() -> None:
    """The server does not keep it for longer than its bound."""
    async with (
        listening(SITE, Address("127.0.0.1", 0), bounds=QUICK) as where,
        connected(where) as (_, writer),
    ):
        writer.write(HEAD + b"\r\n16")
        await writer.drain()
        with pytest.raises(ConnectionError):
            await written(writer)
        assert await status(where) == 200


async def test_atk_232_a_handshake_that_is_not_done_ends_its_connection() -> None:
    """A client that connects to the TLS port and says nothing."""
    tls = Authority().server_context()
    async with (
        listening(SITE, Address("127.0.0.1", 0), tls, bounds=QUICK) as where,
        connected(where) as (reader, _),
    ):
        assert await ended(reader)


async def test_atk_232_more_connections_than_the_bound_do_not_shut_others_out() -> None:
    """Idle connections are closed in favour of those with requests."""
    bounds = Bounds(most=4)
    async with listening(SITE, Address("127.0.0.1", 0), bounds=bounds) as where:
        silent = [await asyncio.open_connection(where.host, where.port) for _ in range(12)]
        assert await status(where) == 200
        for reader, _ in silent[:8]:
            assert await ended(reader)
        for _, writer in silent:
            writer.close()


async def test_atk_232_slow_bodies_hold_no_place() -> None:
    """More of them than there are places: complete requests are answered, and the slowest connections are closed for them."""
    site = replace(SITE, max_arriving=2, body_seconds=60)
    async with listening(site, Address("127.0.0.1", 0)) as where:
        slow = [await asyncio.open_connection(where.host, where.port) for _ in range(6)]
        for number, (_, writer) in enumerate(slow):
            writer.write(HEAD + b"\r\no")
            await writer.drain()
            if number >= 2:
                assert await ended(slow[number - 2][0])
        assert await status(where) == 200
        reader, writer = slow[-1]
        writer.write(b"k")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize(
    "rest", [None, b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"], ids=["gone", "malformed"]
)
async def test_a_body_that_ends_early_is_no_defect(
    rest: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is gone, or what it sends is no body: the engine is not asked, and the log is not filled."""
    async with listening(SITE, Address("127.0.0.1", 0)) as where:
        async with connected(where) as (reader, writer):
            writer.write(HEAD + b"\r\no" if rest is None else b"POST / HTTP/1.1\r\nHost: x\r\n" + rest)
            await writer.drain()
            if rest is not None:
                assert b" 400 " in await reader.readline()
        assert await status(where) == 200
    assert [record.getMessage() for record in caplog.records] == ["client refused"] * (rest is not None)


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA B: c\r\n\r\n"],
    ids=["tls", "line", "field"],
)
async def test_what_is_no_http_is_refused_and_fills_no_log(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says why, without a traceback, however many do so; all are counted, and none learns what serves here."""
    watch = Watch()
    async with listening(SITE, Address("127.0.0.1", 0), watch=watch) as where:
        for _ in range(3):
            async with connected(where) as (reader, writer):
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                assert b" 400 " in head
                assert b"aiohttp" not in head.lower()
                await reader.read()
                assert await ended(reader)
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info) == ("client refused", None)
    assert watch.refused.counts == {"not_http": 3}
