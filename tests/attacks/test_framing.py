"""Attacks by the framing of HTTP: tiny chunks and chunk extensions without end."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.http.http1 import Reader
from pyratify.http.transport import Request
from pyratify.http.url import Url
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TINY = {
    "one byte": b"1\r\nx\r\n",
    "extensions": b"1;" + b"x=" + b"y" * 400 + b"\r\nx\r\n",
    "many zeros": b"000000000000001\r\nx\r\n",
    "thirty bytes": b"1e\r\n" + b"x" * 30 + b"\r\n",
}
BOUND = MIB // 2  # bytes of an answer that are read at most, of any of these


@pytest.mark.parametrize("chunk", TINY.values(), ids=list(TINY))
def test_atk_287_tiny_chunks_of_a_registry_come_to_an_end(chunk: bytes) -> None:
    """Their framing counts, long before the 32 MiB of a body are there."""
    reader = Reader(Request(Url.parse("http://127.0.0.1/x"), 32 * MIB))
    reader.feed(HEAD)
    piece = chunk * (16_384 // len(chunk))
    with pytest.raises(StoreError) as caught:
        _feed(reader, piece, BOUND // len(piece))
    assert caught.value.reason is Reason.REGISTRY_ERROR
    assert "frame the chunks" in caught.value.message


def _feed(reader: Reader, piece: bytes, times: int) -> None:
    for _ in range(times):
        reader.feed(piece)


@pytest.mark.parametrize("size", [48, 100, 4096, 65_536])
def test_atk_287_chunks_as_servers_send_them_are_read(size: int) -> None:
    """Of a few dozen bytes and more, in a body of some MiB."""
    reader = Reader(Request(Url.parse("http://127.0.0.1/x"), 32 * MIB))
    chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
    count = 4 * MIB // size
    assert reader.feed(HEAD + chunk * count) is None
    response = reader.feed(b"0\r\n\r\n")
    assert response is not None
    assert len(response.body) == count * size


async def _served(answer: Callable[[asyncio.StreamWriter], None], limit: int) -> bytes:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        answer(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        fetcher = HttpFetcher(frozenset({"127.0.0.1"}))
        return await fetcher.fetch(FetchRequest(url=f"http://127.0.0.1:{port}/crl", limit=limit))
    finally:
        server.close()
        await ended.wait()


@pytest.mark.parametrize("chunk", TINY.values(), ids=list(TINY))
async def test_atk_287_tiny_chunks_of_a_revocation_server_come_to_an_end(chunk: bytes) -> None:
    """A list of 32 MiB is not waited for."""
    with pytest.raises(FetchFailed, match="frame the chunks"):
        await _served(lambda writer: writer.write(chunk * (2 * BOUND // len(chunk))), 32 * MIB)


@pytest.mark.parametrize(
    ("chunks", "why"),
    [
        (b"x\r\n", "no size"),
        (b"2\r\nokay\r\n", "does not end"),
        (b"ffffffff\r\n", "more than"),
        (b"1;" + b"y" * 200_000, "a line is too long"),
    ],
)
async def test_atk_287_chunks_that_are_none_end_the_answer(chunks: bytes, why: str) -> None:
    """A size that is none, a chunk that is longer than it says, and one that would be too long."""
    with pytest.raises(FetchFailed, match=why):
        await _served(lambda writer: writer.write(chunks), 1000)
