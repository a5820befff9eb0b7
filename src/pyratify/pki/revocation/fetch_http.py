"""Plain http for OCSP and revocation lists, bounded, and to public addresses only.

The answers are signed, so http is what certificates name and all that the Notary Project specification supports. The
places come out of certificates: a host is resolved once, every address of it is looked at, and the connection goes to
one of just these.
"""

import asyncio
import contextlib
import io
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from pyratify.core.addresses import PUBLIC_ONLY, Destinations
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest

if TYPE_CHECKING:
    from http.client import HTTPResponse

MAX_REDIRECTS = 3
_MAX_HEAD = 64 * 1024
_FRAMING = 64 * 1024  # bytes of chunk framing that every answer may have,
_FRAMING_PART = 8  # and one more for so many bytes of its body
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[\t\x20-\x7e]*)?\r\n")
_REDIRECTS = (301, 302, 303, 307, 308)
Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]


async def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, as the operating system orders them.

    Raises:
        OSError: There is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class HttpFetcher:
    """Fetches over http.

    Attributes:
        allowed_hosts: Hosts that may have addresses which are not public, as `crl.corp.example`.
        resolve: Names to addresses.
        destinations: Where all others may be.
    """

    allowed_hosts: frozenset[str] = frozenset()
    resolve: Resolve = system_resolve
    destinations: Destinations = PUBLIC_ONLY

    async def fetch(self, request: FetchRequest) -> bytes:
        """Return the body of the answer 200, after at most three redirects."""
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            head, body = await self._exchange(_split(url), request)
            if head.status not in _REDIRECTS:
                _check(head)
                return body
            url = urljoin(url, head.getheader("Location") or "")
        raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, url: SplitResult, request: FetchRequest) -> "tuple[HTTPResponse, bytes]":
        from http.client import HTTPException

        try:
            async with self._connected(url) as (reader, writer):
                writer.write(_head(url, request) + (request.body or b""))
                await writer.drain()
                return await _answer(reader, request)
        except (OSError, HTTPException, asyncio.IncompleteReadError, ValueError) as error:
            raise FetchFailed(f"{url.netloc} does not answer: {type(error).__name__}") from None

    @contextlib.asynccontextmanager
    async def _connected(
        self, url: SplitResult
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        port = url.port or 80
        reader, writer = await self._open(await self._addresses(url.hostname or "", port), port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        addresses = await self.resolve(host, port)
        inside = self.destinations.blocked(host, port, addresses)
        if inside is not None and host not in self.allowed_hosts:
            raise FetchFailed(f"{host} has the address {inside}, which is not public")
        return addresses

    async def _open(
        self, addresses: tuple[str, ...], port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure = OSError("the name has no address")
        for address in addresses:
            try:
                return await asyncio.open_connection(address, port, limit=_MAX_HEAD)
            except OSError as error:
                failure = error
        raise failure


class _Bytes:
    """Stands for a socket from which everything has been read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme == "http" and bool(parts.hostname) and "@" not in parts.netloc
        valid = valid and url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise FetchFailed(f"only http is supported, not {url[:120]!r}")
    return parts


def _head(url: SplitResult, request: FetchRequest) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"{'GET' if request.body is None else 'POST'} {target} HTTP/1.1",
        f"Host: {url.netloc}",
        "User-Agent: pyratify",
        f"Accept: {request.accept}",
        "Connection: close",
    ]
    if request.body is not None:
        lines += [f"Content-Type: {request.content_type}", f"Content-Length: {len(request.body)}"]
    return "\r\n".join((*lines, "", "")).encode("ascii")


async def _answer(reader: asyncio.StreamReader, request: FetchRequest) -> "tuple[HTTPResponse, bytes]":
    """Read an answer; of one that is no 200 the body is not needed, and the connection is closed after it anyway."""
    try:
        head = _parse(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError:
        raise FetchFailed("the head of the answer is too large") from None
    if head.status != 200:
        return head, b""
    if head.chunked:
        return head, await _chunks(reader, request.limit)
    if head.length is None:
        return head, await _until_end(reader, request.limit)
    if head.length > request.limit:
        raise FetchFailed(f"the answer has {head.length} bytes, more than the {request.limit} allowed")
    try:
        return head, await reader.readexactly(head.length)
    except asyncio.IncompleteReadError:
        raise FetchFailed("the answer ends early") from None


async def _until_end(reader: asyncio.StreamReader, limit: int) -> bytes:
    body = bytearray()
    while chunk := await reader.read(64 * 1024):
        body += chunk
        _check_size(body, limit)
    return bytes(body)


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    """Read chunks (RFC 9112, section 7.1); their framing counts, so that small ones without end come to an end."""
    body, framing, size = bytearray(), 0, -1
    try:
        while size:
            line = await reader.readuntil(b"\r\n")
            framing += len(line)
            if framing > _FRAMING + len(body) // _FRAMING_PART:
                raise FetchFailed(
                    f"{framing} bytes frame the chunks of an answer that has {len(body)} so far"
                )
            match = _CHUNK.fullmatch(line)
            if match is None:
                raise FetchFailed("a chunk of the answer has no size")
            size = int(match[1], 16)
            _check_size(body, limit, size)
            if size:
                body += await reader.readexactly(size)
                if await reader.readexactly(2) != b"\r\n":
                    raise FetchFailed("a chunk of the answer does not end where it should")
                framing += 2
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise FetchFailed("the answer ends early, or its framing is too long") from None
    return bytes(body)


def _check_size(body: bytearray, limit: int, more: int = 0) -> None:
    if len(body) + more > limit:
        raise FetchFailed(f"the answer has more than the {limit} bytes allowed")


def _parse(data: bytes) -> "HTTPResponse":
    from http.client import HTTPResponse

    answer = HTTPResponse(_Bytes(data))  # type: ignore[arg-type]
    answer.begin()
    return answer


def _check(head: "HTTPResponse") -> None:
    if head.status != 200:
        raise FetchFailed(f"the server answers {head.status}")
    if (head.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise FetchFailed("the server compresses what it was asked to send as it is")
