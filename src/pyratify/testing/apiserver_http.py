"""The simulated API server's HTTP: threads, real sockets, watches as chunks."""

import contextlib
import json
import ssl
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.testing.apiserver_objects import Object, Objects, Place, StatusError
from pyratify.testing.loopback import POLL, LoopbackServer, TlsRequestHandler


@dataclass(frozen=True, slots=True)
class Hit:
    """One request.

    Attributes:
        method: Its method.
        path: Its path, without the query.
        query: Its query.
        body: Its body, parsed; None for none.
        token: The bearer token.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    token: str

    @property
    def is_watch(self) -> bool:
        """Whether it is a watch."""
        return self.query.get("watch") in ("true", "1")


class Backend(Protocol):
    """The state that requests are answered from."""

    objects: Objects
    absent: set[str]
    gone_in_stream: bool

    def fault(self, hit: Hit) -> int | None:
        """Note a request and return the status that it is refused with; 0 for none at all, None for no refusal."""
        ...


class Listener(LoopbackServer):
    """Serves a backend over HTTP."""

    def __init__(self, backend: Backend, tls: ssl.SSLContext | None) -> None:
        super().__init__(_Handler, tls, "api server")
        self.backend = backend
        self.hung_up = 0

    def hang_up(self) -> None:
        """End every connection, and every watch."""
        super().hang_up()
        # A number, no flag: only the watches that are open now end.
        self.hung_up += 1
        # Watches wait for a change and write nothing meanwhile, so a closed socket alone would not wake them.
        with self.backend.objects.changed:
            self.backend.objects.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _Handler(TlsRequestHandler, BaseHTTPRequestHandler):
    # Persistent connections, as API servers offer; the base class defaults to HTTP/1.0.
    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def _any(self) -> None:
        url = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        hit = Hit(
            self.command, url.path, dict(parse_qsl(url.query)), json.loads(data) if data else None, token
        )
        status = self.server.backend.fault(hit)
        if status == 0:
            self.close_connection = True
            return
        try:
            if status is not None:
                raise StatusError(status, "Simulated")
            self._answer(hit)
        except StatusError as refused:
            self._send(refused.code, refused.status)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class's names

    def _answer(self, hit: Hit) -> None:
        place, objects = Place.parse(hit.path), self.server.backend.objects
        if f"{place.api}/{place.plural}" in self.server.backend.absent:
            raise StatusError(404, "NotFound", "the server could not find the requested resource")
        if hit.is_watch:
            self._watch(place, hit)
        elif hit.method == "GET":
            self._send(200, objects.get(place) if place.name else self._list(place, hit))
        elif hit.method == "POST":
            self._send(201, objects.create(place, hit.body))
        elif hit.method == "PUT":
            self._send(200, objects.replace(place, hit.body))
        elif hit.method == "PATCH":
            self._send(200, objects.patch(place, hit.body, self.headers.get("content-type", "")))
        else:
            self._send(200, objects.delete(place))

    def _list(self, place: Place, hit: Hit) -> Object:
        objects = self.server.backend.objects
        # One lock for both: items and version must be of the same moment, or a watch from it skips an event.
        with objects.changed:
            items, version = objects.listed(place), objects.version
        start, limit = int(hit.query.get("continue", "0")), int(hit.query.get("limit", "0"))
        end = start + limit if limit else len(items)
        # `continue` is an opaque token to clients; here it is the index of the next item.
        meta = {"resourceVersion": str(version), "continue": str(end) if end < len(items) else ""}
        for item in items:
            item.pop("apiVersion", None)  # as real servers do within lists
            item.pop("kind", None)
        return {"apiVersion": place.api, "kind": "List", "metadata": meta, "items": items[start:end]}

    def _watch(self, place: Place, hit: Hit) -> None:
        """Send past and new events until the connection or the server ends."""
        objects, version, hung_up = self.server.backend.objects, _version(hit), self.server.hung_up
        stream = self.server.backend.gone_in_stream
        # Before the status line, so that a forgotten version becomes the 410 of the answer itself.
        if not stream:
            objects.since(place, version)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        # The length is not known: chunks, one for each event (RFC 9112, section 7.1).
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # A watch ends with its connection: clients leave in the middle of a chunk.
        self.close_connection = True
        if hit.query.get("allowWatchBookmarks") == "true":
            version = max(version, self._bookmark(objects, place, version))
        while not self.server.stopping.is_set() and self.server.hung_up == hung_up:
            with objects.changed:
                try:
                    found = objects.since(place, version)
                except StatusError as refused:
                    self._event("ERROR", refused.status)
                    break
                if not found:
                    # With a limit: the loop's condition is read outside the lock, so a wake-up can be missed.
                    objects.changed.wait(POLL)
            # Outside the lock: a client that does not read would block every other request.
            for change in found:
                version = change.version
                self._event(change.type, change.object)
        # The client may be gone already.
        with contextlib.suppress(OSError):
            self.wfile.write(b"0\r\n\r\n")

    def _bookmark(self, objects: Objects, place: Place, version: int) -> int:
        """Send a bookmark when no event of the history belongs to the collection; return the version to go on from."""
        with objects.changed:
            # A forgotten version is for the caller's loop to report, as an event.
            if version < objects.compacted or objects.since(place, version):
                return version
            now = objects.version
        self._event("BOOKMARK", {"metadata": {"resourceVersion": str(now)}})
        return now

    def _event(self, type_: str, value: Object) -> None:
        data = json.dumps({"type": type_, "object": value}).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _send(self, status: int, value: Object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _version(hit: Hit) -> int:
    return int(hit.query.get("resourceVersion") or "0")
