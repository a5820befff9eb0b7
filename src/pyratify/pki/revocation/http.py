"""Plain http for OCSP and revocation lists, bounded, and to public addresses only.

The answers are signed, so http is what certificates name and all that the Notary Project specification supports. The
places come out of certificates: a host is resolved once, every address of it is looked at, and the connection goes to
one of just these.
"""

import asyncio
import contextlib
import io
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
            answer = await self._exchange(_split(url), request)
            if answer.status not in _REDIRECTS:
                return _body(answer, request.limit)
            url = urljoin(url, answer.getheader("Location") or "")
        raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, url: SplitResult, request: FetchRequest) -> "HTTPResponse":
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


async def _answer(reader: asyncio.StreamReader, request: FetchRequest) -> "HTTPResponse":
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise FetchFailed("the head of the answer is too large") from None
    length = _parse(head).length
    if length is not None and length > request.limit:
        raise FetchFailed(f"the answer has {length} bytes, more than the {request.limit} allowed")
    body = await (reader.readexactly(length) if length is not None else _until_end(reader, request.limit))
    return _parse(head + body)


async def _until_end(reader: asyncio.StreamReader, limit: int) -> bytes:
    body = bytearray()
    while chunk := await reader.read(64 * 1024):
        body += chunk
        if len(body) > limit + _MAX_HEAD:  # chunks have heads of their own
            raise FetchFailed(f"the answer has more than the {limit} bytes allowed")
    return bytes(body)


def _parse(data: bytes) -> "HTTPResponse":
    from http.client import HTTPResponse

    answer = HTTPResponse(_Bytes(data))  # type: ignore[arg-type]
    answer.begin()
    return answer


def _body(answer: "HTTPResponse", limit: int) -> bytes:
    from http.client import HTTPException

    if answer.status != 200:
        raise FetchFailed(f"the server answers {answer.status}")
    if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise FetchFailed("the server compresses what it was asked to send as it is")
    try:
        body = answer.read()
    except (HTTPException, ValueError):
        raise FetchFailed("the answer ends early") from None
    if len(body) > limit:
        raise FetchFailed(f"the answer has more than the {limit} bytes allowed")
    return body
