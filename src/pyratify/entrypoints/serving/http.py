"""The HTTP server: exact routes, bounded requests, and an end that lets requests finish.

This is the only place of the entry points that knows aiohttp. Paths are compared as they were sent: nothing is decoded, and
neither the Host header nor any header that would override the method is used to choose a route.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from ssl import SSLContext, SSLObject

from aiohttp import web
from msgspec import Struct

from pyratify.core.errors import ConfigurationError
from pyratify.core.guard import describe
from pyratify.core.observing import SILENCE, Observer
from pyratify.entrypoints.serving.watched import watched

_LOG = logging.getLogger("pyratify.serving")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NAME = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)


class Asked(Struct, frozen=True, kw_only=True):
    """A request within the bounds.

    Attributes:
        body: Its body.
        query: What stands behind the question mark, as it was sent; always empty where the site takes no queries.
        headers: Its headers, by names in any case; of several with one name the first.
        name: The last segment of its path, where the site serves things by their names; else empty.
    """

    body: bytes = b""
    query: str = ""
    headers: Mapping[str, str] = {}
    name: str = ""


class Reply(Struct, frozen=True):
    """What a request is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        content_type: Its media type.
        headers: More headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


Handler = Callable[[Asked], Awaitable[Reply]]
"""From a request to its answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request was not handed to anybody.

    Attributes:
        status: The HTTP status.
        code: A stable code.
        message: One sentence.
        allow: The methods that are allowed, where another one was used.
    """

    status: int
    code: str
    message: str
    allow: str = ""


def plain(refused: Refused) -> Reply:
    """Say a refusal as one line of text."""
    return Reply(refused.status, f"{refused.code}: {refused.message}\n".encode(), "text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is served, and within which bounds.

    Attributes:
        routes: Handlers by method and exact path.
        refusals: How a refusal is said, by exact path.
        otherwise: How a refusal is said on all other paths.
        named: Handlers by method and path with a slash at its end, for paths that go on with one name of letters and digits.
        admits: Returns by exact path, before a body is read, the refusal of who may not ask; None for who may.
        max_body: The most bytes of a request's body; only those of POST are read.
        body_seconds: In how many seconds a body has to have arrived.
        max_requests: The most requests at the same time.
        queries: Whether a path may be followed by a query; else such a path is another one.
    """

    routes: Mapping[tuple[str, str], Handler]
    refusals: Mapping[str, Callable[[Refused], Reply]]
    otherwise: Callable[[Refused], Reply] = plain
    named: Mapping[tuple[str, str], Handler] = field(default_factory=dict)
    admits: Mapping[str, Callable[[Asked], Reply | None]] = field(default_factory=dict)
    max_body: int = 1024 * 1024
    body_seconds: float = 5.0
    max_requests: int = 256
    queries: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: The host or address; empty for all.
        port: The port; 0 for any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse `HOST:PORT` or `:PORT`, an IPv6 address in brackets.

        Raises:
            ConfigurationError: It is neither.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ConfigurationError(
                f"{text[:80]!a} is not an address", remedy="Write host:port, or :port for every address."
            )
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


@asynccontextmanager
async def listening(
    site: Site,
    address: Address,
    tls: SSLContext | None = None,
    *,
    outdated: Callable[[SSLObject], bool] | None = None,
    drain_seconds: float = 10.0,
    observer: Observer = SILENCE,
) -> AsyncIterator[Address]:
    """Serve while the context is open; at its end requests under way are finished first.

    Args:
        site: What is served.
        address: Where.
        tls: The TLS context; plain HTTP when omitted.
        outdated: Whether a connection is to end with its next answer, because of whom it was made with.
        drain_seconds: How long requests under way may take at the end.
        observer: Watches every request.

    Yields:
        Where it really listens.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    server = web.Server(
        _Gate(site, outdated, observer).handle,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=60.0,
        max_headers=64,
    )
    runner = web.ServerRunner(server, shutdown_timeout=drain_seconds)
    await runner.setup()
    try:
        where = web.TCPSite(runner, address.host or None, address.port, ssl_context=tls)
        try:
            await where.start()
        except OSError as error:
            raise ConfigurationError(
                f"{address.host}:{address.port} cannot be listened on: {error.strerror or error}"
            ) from None
        host, port = runner.addresses[0][:2]
        yield Address(host, port)
    finally:
        await runner.cleanup()


class _Gate:
    """Lets through what is within the bounds."""

    def __init__(self, site: Site, outdated: Callable[[SSLObject], bool] | None, observer: Observer) -> None:
        self._site = site
        self._outdated = outdated
        self._observer = observer
        self._paths = {path for _, path in site.routes}
        self._folders = {path for _, path in site.named}
        self._names = count(secrets.randbits(127))
        self._under_way = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request, whatever happens; all that is logged meanwhile has one trace."""
        parent = request.headers.get("traceparent", "")
        with watched(self._observer, request.method, parent, self._names) as span:
            response = _response(await self._reply(request))
            if self._outdated is not None and self._ends(request):
                response.force_close()
            span.tell(status=response.status)
            return response

    async def _reply(self, request: web.BaseRequest) -> Reply:
        path, _, query = request.raw_path.partition("?") if self._site.queries else (request.raw_path, "", "")
        say = self._site.refusals.get(path, self._site.otherwise)
        if self._under_way >= self._site.max_requests:
            return say(Refused(503, "BUSY", "too many requests at the same time"))
        self._under_way += 1
        try:
            reply = await self._answer(request, path, query)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            _LOG.error("request failed", extra={"error": describe(error)})
            reply = Refused(500, "INTERNAL", "the server failed; its log says why")
        finally:
            self._under_way -= 1
        return reply if isinstance(reply, Reply) else _said(say, reply)

    def _ends(self, request: web.BaseRequest) -> bool:
        connection = request.get_extra_info("ssl_object")
        return connection is not None and self._outdated is not None and self._outdated(connection)

    async def _answer(self, request: web.BaseRequest, path: str, query: str) -> Reply | Refused:
        handlers, place, name = self._place(path)
        if not place:
            return Refused(404, "NOT_FOUND", "nothing is served here")
        handler = handlers.get((request.method, place))
        if handler is None:
            allow = ", ".join(method for method, where in handlers if where == place)
            return Refused(405, "BAD_REQUEST", "this method is not allowed here", allow)
        admit = self._site.admits.get(path)
        if admit is not None and (refusal := admit(Asked(headers=request.headers))) is not None:
            return refusal
        body = await self._body(request) if request.method == "POST" else b""
        if isinstance(body, Refused):
            return body
        return await handler(Asked(body=body, query=query, headers=request.headers, name=name))

    def _place(self, path: str) -> tuple[Mapping[tuple[str, str], Handler], str, str]:
        """Return the handlers, the path under which they stand, and the name that follows it."""
        if path in self._paths:
            return self._site.routes, path, ""
        folder, slash, name = path.rpartition("/")
        if folder + slash in self._folders and _NAME.fullmatch(name):
            return self._site.named, folder + slash, name
        return {}, "", ""

    async def _body(self, request: web.BaseRequest) -> bytes | Refused:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return Refused(415, "CONTENT_ENCODING", "a compressed body is not accepted")
        if (request.content_length or 0) > self._site.max_body:
            return self._too_large()
        if request.content.is_eof():
            data = request.content.read_nowait()
        else:
            try:
                async with asyncio.timeout(self._site.body_seconds):
                    data = await self._arriving(request)
            except TimeoutError:
                return Refused(408, "TIMEOUT", "the body did not arrive in time")
        return data if len(data) <= self._site.max_body else self._too_large()

    async def _arriving(self, request: web.BaseRequest) -> bytes:
        """Return the body, or as much of it as is already too much."""
        data = bytearray()
        while len(data) <= self._site.max_body and (chunk := await request.content.readany()):
            data += chunk
        return bytes(data)

    def _too_large(self) -> Refused:
        return Refused(413, "REQUEST_TOO_LARGE", f"more than {self._site.max_body} bytes")


def _said(say: Callable[[Refused], Reply], refused: Refused) -> Reply:
    reply = say(refused)
    allow = {"Allow": refused.allow} if refused.allow else {}
    return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, **allow})


def _response(reply: Reply) -> web.Response:
    headers = {**_HEADERS, "Content-Type": reply.content_type, **reply.headers}
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    if reply.status in (408, 413, 415, 503):
        response.force_close()  # what is left of the body is not waited for
    return response
