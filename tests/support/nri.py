"""A runtime that speaks NRI, and its messages, for tests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pyratify.core.protobuf import encode, part
from pyratify.entrypoints.node.nri.plugin import SERVICE, NriPlugin
from pyratify.entrypoints.node.nri.ttrpc import (
    PLUGIN,
    REQUEST,
    RESPONSE,
    RUNTIME,
    Call,
    Frames,
    Message,
    failed,
    result_of,
    succeeded,
)


def pod(identifier: str = "p", namespace: str = "default") -> bytes:
    """Return a `PodSandbox`."""
    return encode(_1=identifier, _2="web", _4=namespace)


def container(
    image: str = "", digest: str = "", *, annotations: Mapping[str, str] | None = None, state: int = 0
) -> bytes:
    """Return a `Container` of the Pod `p`."""
    notes = b"".join(encode(_6=encode(_1=key, _2=value)) for key, value in (annotations or {}).items())
    found = encode(_1="c", _2="p", _3="app", _4=state) + notes
    return found + encode(_22=encode(_1=image, _2=digest))


def create(of: bytes, namespace: str = "default") -> Call:
    """Return the call before a container is made."""
    return call("CreateContainer", encode(_1=pod(namespace=namespace), _2=of))


def synchronize(*containers: bytes, more: bool = False) -> Call:
    """Return the call about containers that are there."""
    payload = encode(_1=pod()) + b"".join(encode(_2=each) for each in containers) + encode(_3=int(more))
    return call("Synchronize", payload)


def call(method: str, payload: bytes = b"") -> Call:
    """Return a call to the plugin."""
    return Call(SERVICE, method, payload)


async def refusal(plugin: NriPlugin, asked: Call) -> str:
    """Return the message of a refusal; empty for what is allowed."""
    return result_of(await plugin.answer(asked))


class Runtime:
    """A runtime at a socket.

    Attributes:
        registered: The calls by which plugins registered.
        refuses: Whether it refuses every plugin.
    """

    def __init__(self) -> None:
        self.registered, self.refuses = list[Call](), False
        self._ready = asyncio.Event()
        self._waiting = dict[int, "asyncio.Future[bytes]"]()
        self._writer: asyncio.StreamWriter | None = None
        self._stream = -1

    async def plugin(self) -> None:
        """Wait until a plugin has registered."""
        await self._ready.wait()

    async def ask(self, asked: Call) -> bytes:
        """Return the plugin's response."""
        assert self._writer is not None
        self._stream += 2  # ttrpc: those of clients are odd
        waiting = self._waiting[self._stream] = asyncio.get_running_loop().create_future()
        self._writer.write(Message(PLUGIN, self._stream, REQUEST, asked.encode()).frame())
        return await waiting

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._writer is not None
        self._writer.write(data)

    def hang_up(self) -> None:
        """End the connection."""
        assert self._writer is not None
        self._ready.clear()
        self._writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        frames = Frames()
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                for message in frames.feed(data):
                    self._take(message, writer)
        writer.close()

    def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        if message.connection == PLUGIN:
            self._waiting.pop(message.stream).set_result(message.body)
            return
        self.registered.append(Call.parse(message.body))
        body = failed(7, "no plugins here") if self.refuses else succeeded()
        writer.write(Message(RUNTIME, message.stream, RESPONSE, body).frame())
        self._writer = writer
        self._ready.set()


@asynccontextmanager
async def runtime(path: Path) -> AsyncIterator[Runtime]:
    """Serve a runtime at a socket until the end of the block."""
    found = Runtime()
    server = await asyncio.start_unix_server(found.serve, path)
    try:
        yield found
    finally:
        server.close()


def payload_of(response: bytes) -> bytes:
    """Return the result of a response."""
    return part(response, 2)
