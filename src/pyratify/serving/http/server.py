"""The HTTP server: exact routes, bounded requests, and an end that lets requests finish.

This is the only place of the entry points that knows aiohttp. Paths are compared as they were sent: nothing is decoded, and
neither the Host header nor any header that would override the method is used to choose a route.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from ssl import SSLContext, SSLObject

from aiohttp import web
from aiohttp.http import HttpProcessingError

from pyratify.core.isolation import describe, end
from pyratify.core.telemetry import NULL_OBSERVER, Observer, begin_trace, end_trace
from pyratify.http.arriving_body import ArrivingBody
from pyratify.serving.http.activity import Watch
from pyratify.serving.http.bodies import Room
from pyratify.serving.http.connections import BOUNDS, Bounds, Connections
from pyratify.serving.http.handshakes import has_name, watch_handshakes
from pyratify.serving.http.peers import Peers, peer_of
from pyratify.serving.http.routes import Address, Handler, Rejection, Reply, Request, Site, plain, said
from pyratify.serving.http.sockets import BACKLOG, UNIX_BACKLOG, bind
from pyratify.serving.http.traceparent import method_of, parent_of, trace_of

__all__ = ("Address", "Handler", "Rejection", "Reply", "Request", "Site", "listening", "plain")

_LOG = logging.getLogger("pyratify.serving")
_PARSER_LOG = logging.getLogger("pyratify.serving.http")
# Without a Server header of ours the library would send its own, with versions.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "ratify"}
_NOT_HTTP = "the client sent what is not HTTP, perhaps TLS to an address that is served without it"
_FOREIGN_NAME = "the client's certificate has none of the names that are admitted (--client-name)"
_NO_ROOM = Rejection(
    503, "BODY_BUDGET", "the bodies of requests fill what this server has for them", retry_after=1
)
_LINGERING = 25  # times 20 milliseconds


@asynccontextmanager
async def listening(
    site: Site,
    address: Address,
    tls: SSLContext | None = None,
    *,
    outdated: Callable[[SSLObject], bool] | None = None,
    drain_seconds: float = 10.0,
    observer: Observer = NULL_OBSERVER,
    bounds: Bounds = BOUNDS,
    sockets: tuple[socket.socket, ...] = (),
    ending: Callable[[], bool] = bool,
    watch: Watch | None = None,
    peers: Peers | None = None,
) -> AsyncIterator[Address]:
    """Serve while the context is open; at its end requests under way are finished first.

    Args:
        site: What is served.
        address: Where.
        tls: The TLS context; plain HTTP when omitted.
        outdated: Whether a connection is to end with its next answer, because its certificates have been replaced.
        drain_seconds: How long requests under way may take at the end.
        observer: Watches every request.
        bounds: What connections are held to.
        sockets: Listen at the address already; closed at the end.
        ending: Whether the server is about to end, so that no connection is kept for another request.
        watch: What is shared with what looks after the server.
        peers: Which processes are answered at a unix socket; None for any client.

    Yields:
        Where it really listens.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    watch = watch or Watch()
    connections, loop = Connections(bounds, asyncio.get_running_loop().time), asyncio.get_running_loop()
    gate = _Gate(site, observer, partial(_ends, outdated, ending), connections, watch=watch, peers=peers)
    server = web.Server(gate.handle)
    if tls is not None:
        watch_handshakes(tls, watch.refused.note)

    def protocol() -> asyncio.Protocol:
        """Return what answers one connection."""
        return connections.bounded(_Http(server, watch, loop, bounds))

    bound = sockets or bind(address.host, address.port)
    listeners = [await _listen(one, tls, protocol, bounds) for one in bound]
    watching = asyncio.create_task(connections.watch())
    try:
        yield address if address.is_local else Address.of(bound[0])
    finally:
        for listener in listeners:
            listener.close()
        if ending():  # not where an error ends it
            await _linger(server, handshakes=tls is not None)
        await asyncio.sleep(0)  # what has just arrived begins to be answered
        server.pre_shutdown()
        await server.shutdown(drain_seconds)
        await end(watching)


class _Http(web.RequestHandler):
    """aiohttp's HTTP, which says nothing of itself, and notes clients that do not speak it."""

    def __init__(
        self, server: web.Server, watch: Watch, loop: asyncio.AbstractEventLoop, bounds: Bounds
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # as `web.Server` documents it: no log
            logger=_PARSER_LOG,
            auto_decompress=False,  # compressed bodies are refused, so none can swell
            keepalive_timeout=60.0,
            lingering_time=bounds.lingering_seconds,
            max_headers=64,
        )
        self._refused = watch.refused

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP; it is no defect, and fills no log."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)  # a defect of ours is logged
        self._refused.note("not_http", _NOT_HTTP)
        response = web.Response(status=status, text="BAD_REQUEST: this is not HTTP\n", headers=_HEADERS)
        response.force_close()
        return response


async def _listen(
    one: socket.socket, tls: SSLContext | None, protocol: Callable[[], asyncio.Protocol], bounds: Bounds
) -> asyncio.Server:
    seconds = bounds.handshake_seconds if tls is not None else None
    # For unix sockets too: `create_unix_server` would remove the file at the end, also one of systemd's.
    backlog = UNIX_BACKLOG if one.family == socket.AF_UNIX else BACKLOG
    return await asyncio.get_running_loop().create_server(
        protocol, sock=one, ssl=tls, backlog=backlog, ssl_handshake_timeout=seconds
    )


async def _linger(server: web.Server, *, handshakes: bool) -> None:
    """Give connections that were just taken the time to ask; those in the middle of a handshake cannot be seen."""
    for _ in range(_LINGERING):
        if not server.connections and not handshakes:
            return
        await asyncio.sleep(0.02)


class _Gate:
    """Lets through what is within the bounds."""

    def __init__(
        self,
        site: Site,
        observer: Observer,
        ends: Callable[[web.BaseRequest], bool],
        connections: Connections,
        *,
        watch: Watch,
        peers: Peers | None,
    ) -> None:
        self._site = site
        self._observer = observer
        self._ends = ends
        self._connections = connections
        self._watch = watch
        self._peers = peers

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request, whatever happens; all that is logged meanwhile has one trace."""
        parent = parent_of(request.headers.get("traceparent"))
        connection = self._connections.begin(request.transport)
        self._watch.activity.under_way += 1
        try:
            if self._observer is NULL_OBSERVER:
                return await self._respond(request, trace_of(parent))
            with self._observer.span("request", parent=parent, method=method_of(request.method)) as span:
                response = await self._respond(request, span.trace or trace_of(parent))
                span.set_attributes(status=response.status)
                return response
        finally:
            self._watch.activity.under_way -= 1  # also when it is cancelled
            self._watch.activity.answered += 1
            self._connections.finish(connection)

    async def _respond(self, request: web.BaseRequest, trace: str) -> web.Response:
        path, _, query = request.raw_path.partition("?") if self._site.queries else (request.raw_path, "", "")
        say = self._site.refusals.get(path, self._site.otherwise)
        token = begin_trace(trace)
        try:
            reply = await self._stranger(request) or await self._answer(request, path, query)
        # A reply and not a closed connection: Gatekeeper and the API server show its text.
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            _LOG.error("request failed", extra={"error": describe(error)})
            reply = Rejection(500, "INTERNAL", "the server failed; its log says why")
        finally:
            end_trace(token)
        response = _response(reply if isinstance(reply, Reply) else said(say, reply))
        if self._ends(request):
            response.force_close()
        return response

    async def _stranger(self, request: web.BaseRequest) -> Rejection | None:
        """Return the refusal of a process of another user, or of a client whose certificate has another name than it must."""
        if self._peers is not None:
            refusal = await self._peers.refusal(peer_of(request.get_extra_info("socket")))
            if refusal is not None:
                kind = "foreign_user" if refusal.status == 403 else "group_unknown"
                self._watch.refused.note(kind, refusal.message)
                return refusal
        names = self._watch.names
        if not names or has_name(request.get_extra_info("ssl_object"), names):
            return None
        self._watch.refused.note("foreign_name", _FOREIGN_NAME)
        return Rejection(403, "UNAUTHORIZED", _FOREIGN_NAME)

    async def _answer(self, request: web.BaseRequest, path: str, query: str) -> Reply | Rejection:
        handlers, place, name = self._site.place(path)
        if not place:
            return Rejection(404, "NOT_FOUND", "nothing is served here")
        handler = handlers.get((request.method, place))
        if handler is None:
            allow = ", ".join(method for method, where in handlers if where == place)
            return Rejection(405, "BAD_REQUEST", "this method is not allowed here", allow)
        admit = self._site.admits.get(path)  # strangers fill no body budget
        if admit is not None and (refusal := admit(Request(headers=request.headers))) is not None:
            return refusal
        if request.method != "POST":
            return await handler(Request(query=query, headers=request.headers, name=name))
        with self._watch.bodies.room() as room:
            body = await self._body(request, room)
            if isinstance(body, Rejection):
                return body
            return await handler(Request(body=body, query=query, headers=request.headers, name=name))

    async def _body(self, request: web.BaseRequest, room: Room) -> bytes | Rejection:
        """Return the body; what it needs is held in the room, before it is read where its length is announced."""
        announced = request.content_length  # the parser lets no byte more through
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return Rejection(415, "CONTENT_ENCODING", "a compressed body is not accepted")
        if (announced or 0) > self._site.max_body:
            return self._too_large()
        try:
            fits = room.grow(announced or 0)  # before the read: what does not fit is not begun
            data = await self._arriving(request, room, counted=announced is not None) if fits else _NO_ROOM
        except TimeoutError:
            return Rejection(408, "TIMEOUT", "the body did not arrive in time")
        except (ConnectionError, web.RequestPayloadError):
            return Rejection(400, "BAD_REQUEST", "the body did not arrive as a whole")
        return data if isinstance(data, Rejection) or len(data) <= self._site.max_body else self._too_large()

    async def _arriving(self, request: web.BaseRequest, room: Room, *, counted: bool) -> bytes | Rejection:
        """Return the body, or as much of it as is already too much."""
        if request.content.is_eof():  # most bodies come with the head: no timer
            whole = request.content.read_nowait()
            return whole if counted or room.grow(len(whole)) else _NO_ROOM
        data = ArrivingBody()
        arriving = self._connections.arriving(request.transport, self._site.max_arriving)
        async with asyncio.timeout(self._site.body_seconds):
            with arriving:
                while len(data) <= self._site.max_body and (chunk := await request.content.readany()):
                    if not (counted or room.grow(len(chunk))):
                        return _NO_ROOM
                    data.add(chunk)
        return data.joined()

    def _too_large(self) -> Rejection:
        return Rejection(413, "REQUEST_TOO_LARGE", f"more than {self._site.max_body} bytes")


def _ends(
    outdated: Callable[[SSLObject], bool] | None, ending: Callable[[], bool], request: web.BaseRequest
) -> bool:
    connection = request.get_extra_info("ssl_object")
    return ending() or (connection is not None and outdated is not None and outdated(connection))


def _response(reply: Reply) -> web.Response:
    headers = {**_HEADERS, "Content-Type": reply.content_type, **reply.headers}
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    if reply.status in (408, 413, 415, 503):
        response.force_close()  # what is left of the body is not waited for
    return response
