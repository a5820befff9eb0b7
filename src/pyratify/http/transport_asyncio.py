"""The transport over asyncio: pooled connections, and the strict parser of `http1`."""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from pyratify.core.errors import StoreError
from pyratify.http.connection_limiter import ConnectionLimiter
from pyratify.http.handshake import speaks_tls
from pyratify.http.http1 import Reader
from pyratify.http.http_options import HttpOptions
from pyratify.http.name_resolution import Resolve, allowed_addresses, system_resolve
from pyratify.http.proxies import Proxy, proxy_for, proxy_variables
from pyratify.http.response_checks import (
    ConnectionLost,
    malformed,
    network_error,
    proxy_refusal,
    timed_out,
)
from pyratify.http.tls_contexts import TlsContexts
from pyratify.http.transport import Request, Response, Transport, Trust
from pyratify.http.url import Origin

_MAX_IDLE = 128
_IDLE_SECONDS = 60.0
_Key = tuple[Origin, Trust]


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.since = 0.0
        self.usable = True
        self._reader: Reader | None = None
        self._answer: asyncio.Future[Response] | None = None

    async def ask(self, request: Request, data: bytes) -> Response:
        """Send the bytes of a request and return its answer; cancelled or failed, the connection is ended."""
        self._reader = Reader(request)
        self._answer = asyncio.get_running_loop().create_future()
        # Unusable until the answer is whole: a cancelled exchange leaves half an answer in the socket.
        self.usable = False
        try:
            self.transport.write(data)
            response = await self._answer
            self.usable = self._reader.reusable and not self.transport.is_closing()
            return response
        finally:
            self._reader = self._answer = None
            # abort, not close: close waits for buffers, and for the TLS goodbye of a silent server.
            if not self.usable:
                self.transport.abort()

    def close(self) -> None:
        """End the connection."""
        self.usable = False
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for writing."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        """Feed the parser; unrequested bytes make the connection unusable."""
        # With no reader, bytes on an idle connection were meant as the answer to the next request: end it.
        self._settle(lambda reader: reader.feed(data))

    def eof_received(self) -> None:
        """Take the end as the end of the answer."""
        self._settle(lambda reader: reader.end())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the exchange that waits for an answer."""
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionAbortedError())

    def _settle(self, step: Callable[[Reader], Response | None]) -> None:
        if self._reader is None or self._answer is None or self._answer.done():
            self.usable = False
            return
        try:
            response = step(self._reader)
        except StoreError as error:
            self._answer.set_exception(error)
            return
        if response is not None:
            self._answer.set_result(response)


class AsyncioTransport:
    """Makes requests over asyncio; belongs to the event loop it is first used in.

    Args:
        options: The settings.
        resolve: Names to addresses.
        environ: Where proxies come from; read once.
        monotonic: Tells how long a connection has been idle, in seconds.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """

    def __init__(
        self,
        options: HttpOptions,
        *,
        resolve: Resolve = system_resolve,
        environ: Mapping[str, str] = os.environ,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tls = TlsContexts(options)
        self._resolve = resolve
        self._only = options.destinations
        self._socket = options.unix_socket
        self._connect_timeout = options.connect_timeout
        self._proxies = proxy_variables(environ) if options.proxy_from_environment else {}
        self._monotonic = monotonic
        self._idle: list[tuple[_Key, _Connection]] = []
        self._closed = False
        self._limiter = ConnectionLimiter(options.max_connections, monotonic)

    async def send(self, request: Request) -> Response:
        """Send the request; errors as in `Transport`."""
        proxied = self._proxies and not self._socket
        proxy = proxy_for(request.url.origin, self._proxies) if proxied else None
        try:
            async with asyncio.timeout(request.timeout), self._limiter.slot(request):
                return await self._exchange(request, proxy)
        except TimeoutError:
            raise timed_out(request.url, request.timeout) from None
        # TimeoutError is an OSError too, so its clause stands first.
        except OSError as error:
            raise network_error(request.url, error, proxy.origin if proxy else None) from error

    async def speaks_tls(self, origin: Origin) -> bool:
        """Return whether an origin of this machine answers a TLS handshake."""
        return await speaks_tls(origin, self._resolve, self._connect_timeout)

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when their exchange ends."""
        self._closed = True
        idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
        await asyncio.sleep(0)  # lets the loop close the sockets

    async def _exchange(self, request: Request, proxy: Proxy | None) -> Response:
        # Trust is part of the key: what has shown the client certificate is for requests that may show it.
        key = (request.url.origin, request.trust)
        data = _bytes(request, proxy)
        connection = self._take(key)
        if connection is not None:
            # An idle connection may be closed at any time (RFC 9112 9.5), even with the request on its way.
            try:
                return await self._over(connection, key, request, data)
            except (ConnectionLost, ConnectionError):
                pass  # it had been closed meanwhile
        return await self._over(await self._connect(request, proxy), key, request, data)

    async def _over(self, connection: _Connection, key: _Key, request: Request, data: bytes) -> Response:
        response = await connection.ask(request, data)
        if connection.usable:
            self._give(key, connection)
        return response

    def _take(self, key: _Key) -> _Connection | None:
        oldest = self._monotonic() - _IDLE_SECONDS
        # Newest first: the one that the server is least likely to have closed.
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index][0] == key:
                connection = self._idle.pop(index)[1]
                if connection.usable and connection.since >= oldest:
                    return connection
                connection.close()
        return None

    def _give(self, key: _Key, connection: _Connection) -> None:
        connection.since = self._monotonic()
        self._idle.append((key, connection))
        oldest = connection.since - _IDLE_SECONDS
        while self._idle and (self._closed or len(self._idle) > _MAX_IDLE or self._idle[0][1].since < oldest):
            self._idle.pop(0)[1].close()

    async def _connect(self, request: Request, proxy: Proxy | None) -> _Connection:
        """Return a connection to the socket, or to one of the addresses that were checked."""
        if self._socket:
            async with asyncio.timeout(self._connect_timeout):
                loop = asyncio.get_running_loop()
                return (await loop.create_unix_connection(_Connection, self._socket))[1]
        origin = proxy.origin if proxy else request.url.origin
        secure = self._tls.context(request.trust) if request.url.origin.scheme == "https" else None
        failure: OSError = OSError("the name has no address")
        # The checked addresses are dialled, not the name: it could resolve differently now (DNS rebinding).
        for address in await allowed_addresses(request, proxy, self._resolve, self._only):
            try:
                # For each address: one that swallows packets must not use up the time of the next.
                async with asyncio.timeout(self._connect_timeout):
                    connection = await _open(address, origin.port, request, None if proxy else secure)
            except OSError as error:
                failure = error
                continue
            if proxy and secure is not None:
                await _tunnel(connection, request, proxy, secure)
            return connection
        raise network_error(request.url, failure, proxy.origin if proxy else None) from failure


async def _open(address: str, port: int, request: Request, secure: ssl.SSLContext | None) -> _Connection:
    # The certificate has to be the host's, although it is an address that is dialled.
    name = request.url.origin.host if secure else None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(_Connection, address, port, ssl=secure, server_hostname=name)
    return connection


async def _tunnel(connection: _Connection, request: Request, proxy: Proxy, secure: ssl.SSLContext) -> None:
    """Ask the proxy for a tunnel (RFC 9110, section 9.3.6), then speak TLS through it."""
    origin = request.url.origin
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}"
    # The proxy's credential is for the proxy alone; no field of the request goes outside the tunnel.
    fields = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    data = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{fields}\r\n".encode("ascii")
    try:
        # The expected size is the content's, and would refuse the proxy's own answer.
        answer = await connection.ask(replace(request, method="CONNECT", expected=None), data)
        if answer.status != 200:
            raise proxy_refusal(proxy.origin.authority, request.url, answer.status)
        loop = asyncio.get_running_loop()
        inner = await loop.start_tls(connection.transport, connection, secure, server_hostname=origin.host)
        if inner is None:
            raise ConnectionAbortedError
        connection.transport = inner
    # A cancellation too: half a tunnel must not stay open.
    except BaseException:
        connection.close()
        raise


def _bytes(request: Request, proxy: Proxy | None) -> bytes:
    origin = request.url.origin
    plain_proxy = proxy if origin.scheme == "http" else None
    # A proxy needs the absolute form (RFC 9112 3.2.2), a server the origin form (3.2.1).
    target = str(request.url) if plain_proxy else request.url.target
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {origin.authority}"]
    if plain_proxy and plain_proxy.authorization:
        lines.append(f"Proxy-Authorization: {plain_proxy.authorization}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join(lines)
    # A token or a Location with a line break would add fields, or a whole request (request splitting). Compared whole: the
    # number of lines is the same with a line break at the end of the last one.
    if head.splitlines() != lines or not head.isascii():
        raise malformed(
            request.url, "nor would the request be, with a line break or another character than ASCII in it"
        )
    return f"{head}\r\n\r\n".encode("ascii") + request.body


def asyncio_transport(options: HttpOptions) -> Transport:
    """Return the transport that needs no third-party package.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """
    return AsyncioTransport(options)
