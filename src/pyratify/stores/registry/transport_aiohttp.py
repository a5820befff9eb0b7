"""The transport of programs that prefer a well-known library: aiohttp."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.admission import Lanes
from pyratify.http.handshake import speaks_tls
from pyratify.http.name_resolution import Resolve, check_behind_proxy, check_dialled, system_resolve
from pyratify.http.proxies import Proxy, proxy_for, proxy_variables
from pyratify.http.response_checks import (
    ConnectionLost,
    check_end,
    check_framing,
    check_headers,
    malformed,
    network_error,
    proxy_refusal,
    timed_out,
    too_large,
)
from pyratify.http.ssrf import literal
from pyratify.http.threads import in_thread
from pyratify.http.tls_contexts import TlsContexts
from pyratify.http.transport import ERROR_BYTES, Headers, Request, Response, Transport
from pyratify.http.url import Origin
from pyratify.stores.registry.registry_options import RegistryOptions

_CHUNK = 64 * 1024
_AUTOMATIC = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class _Resolver(AbstractResolver):
    """Resolves once for each connection; aiohttp connects to exactly the addresses returned."""

    def __init__(self, resolve: Resolve, check: Callable[[Origin, tuple[str, ...]], None]) -> None:
        self._resolve = resolve
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host, unless one of them must not be connected to."""
        del family
        addresses = await in_thread(f"resolving {host}", lambda: tuple(self._resolve(host, port)))
        self._check(Origin("https", host, port), addresses)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Do nothing."""


class _Counting(ResponseHandler):
    """A connection that counts what it receives, the framing of chunks included."""

    received = 0

    def data_received(self, data: bytes) -> None:
        """Count, then read."""
        self.received += len(data)
        super().data_received(data)


class _Connector(aiohttp.TCPConnector):
    """Makes connections that count, and never uses a connection again on which something has come that nobody asked for."""

    def __init__(self, *, resolver: AbstractResolver) -> None:
        super().__init__(resolver=resolver, use_dns_cache=False, limit=0, keepalive_timeout=60)
        handler: type[ResponseHandler] = _Counting
        self._factory = partial(handler, loop=self._loop)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> "aiohttp.connector.Connection":
        """Return a connection, an idle one only if it is as its last answer left it."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class AiohttpTransport:
    """Makes requests with aiohttp; belongs to the event loop it is first used in.

    Args:
        options: The store's settings.
        resolve: Names to addresses.
        environ: Where proxies come from; read once.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """

    def __init__(
        self,
        options: RegistryOptions,
        *,
        resolve: Resolve = system_resolve,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._options = options
        self._tls = TlsContexts(options)
        self._resolve = resolve
        self._proxies = proxy_variables(environ) if options.proxy_from_environment else {}
        self._sessions: dict[bool | None, aiohttp.ClientSession] = {}
        self._lanes = Lanes(options.max_connections, time.monotonic)

    async def send(self, request: Request) -> Response:
        """Send the request; errors as in `Transport`."""
        proxy = proxy_for(request.url.origin, self._proxies) if self._proxies else None
        try:
            await self._check(request, proxy)
            async with (
                asyncio.timeout(request.timeout),
                self._lanes.turn(request),
                self._ask(request, proxy) as answer,
            ):
                return await _read(answer, request)
        except TimeoutError:
            raise timed_out(request.url, request.timeout) from None
        except (OSError, aiohttp.ClientError, ValueError) as error:
            raise _translate(request, error, proxy.origin if proxy else None) from error

    async def speaks_tls(self, origin: Origin) -> bool:
        """Tell whether an origin of this machine answers a TLS handshake."""
        return await speaks_tls(origin, self._resolve, self._options.connect_timeout)

    async def aclose(self) -> None:
        """Close every connection."""
        sessions, self._sessions = tuple(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    async def _check(self, request: Request, proxy: Proxy | None) -> None:
        """Look at what the resolver is never asked about: an address in place of a name, and what is behind a proxy."""
        only, host = self._options.destinations, request.url.origin.host
        address = literal(host)
        if address is not None:
            check_dialled(request.url.origin, (address,), only, internal=request.trust.internal)
        elif proxy is not None:
            await in_thread(f"resolving {host}", lambda: check_behind_proxy(request, self._resolve, only))

    def _ask(self, request: Request, proxy: Proxy | None) -> "aiohttp.client._RequestContextManager":
        session = self._session(None if proxy else request.trust.internal)
        secure = request.url.origin.scheme == "https"
        shown = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else {}
        return session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=[*request.headers, *(() if secure else shown.items())],
            data=request.body or None,
            allow_redirects=False,
            ssl=self._tls.context(request.trust) if secure else True,
            proxy=URL(str(proxy.origin)) if proxy else None,
            proxy_headers=shown if secure else None,
        )

    def _session(self, internal: bool | None) -> aiohttp.ClientSession:
        """Return the session for such destinations; None for a proxy's, whose addresses are the administrator's choice."""
        if internal not in self._sessions:

            def check(origin: Origin, addresses: tuple[str, ...]) -> None:
                if internal is not None:
                    check_dialled(origin, addresses, self._options.destinations, internal=internal)

            connector = _Connector(resolver=_Resolver(self._resolve, check))
            self._sessions[internal] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=_AUTOMATIC,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._options.connect_timeout),
            )
        return self._sessions[internal]


def aiohttp_transport(options: RegistryOptions) -> Transport:
    """Return the transport over aiohttp.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """
    return AiohttpTransport(options)


async def _read(answer: aiohttp.ClientResponse, request: Request) -> Response:
    headers = Headers(
        tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.raw_headers)
    )
    if answer.status < 200:
        raise malformed(request.url, "its header cannot be read")
    announced = check_headers(request, answer.status, headers)
    limit = request.limit if answer.status == 200 else ERROR_BYTES
    body = bytearray()
    framing = _framing(answer)
    while len(body) <= limit and (chunk := await answer.content.read(min(_CHUNK, limit + 1 - len(body)))):
        body += chunk
        check_framing(request.url, framing(), answer.content.total_bytes)
    if len(body) > limit:
        answer.close()
    if answer.status == 200:
        if len(body) > limit:
            raise too_large(request)
        check_end(request, len(body), announced)
    return Response(answer.status, headers, bytes(body[:limit]), request.url)


def _framing(answer: aiohttp.ClientResponse) -> Callable[[], int]:
    """Return what tells how many bytes have come since now that are no part of the body."""
    protocol = answer.connection.protocol if answer.connection is not None else None
    if not isinstance(protocol, _Counting):  # the whole answer has come already
        return lambda: 0
    before = protocol.received - answer.content.total_bytes
    return lambda: protocol.received - answer.content.total_bytes - before


def _translate(request: Request, error: Exception, proxy: Origin | None) -> StoreError:
    """Return what an error of aiohttp means; it wraps those of the operating system."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return proxy_refusal(str(error.request_info.url.authority), request.url, error.status)
    if isinstance(error, aiohttp.ClientPayloadError):
        return ConnectionLost(
            Reason.SIZE_MISMATCH, f"{request.url.origin.authority} ended its answer too early"
        )
    if isinstance(error, OSError | aiohttp.ServerDisconnectedError):
        return network_error(request.url, _cause(error), proxy)
    text = str(error).lower()
    if "content-length" in text and "transfer-encoding" not in text:
        return StoreError(
            Reason.SIZE_MISMATCH,
            f"{request.url.origin.authority} announces a length that is no number of bytes",
        )
    return malformed(request.url, type(error).__name__)


def _cause(error: Exception) -> Exception:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ConnectionResetError()
    causes = (getattr(error, "certificate_error", None), getattr(error, "os_error", None), error.__cause__)
    return next((cause for cause in causes if isinstance(cause, OSError)), error)


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
