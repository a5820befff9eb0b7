"""One request and its answer over a blocking connection; every read is bounded."""

import http.client
import socket

from pyratify.stores.registry.answers import check_end, check_headers, malformed, network_error, too_large
from pyratify.stores.registry.dialing import Dialer, Watch
from pyratify.stores.registry.proxies import Proxy
from pyratify.stores.registry.transport import ERROR_BYTES, Headers, Request, Response

_CHUNK = 64 * 1024
_NO_BODY = (204, 304)


class Connection:
    """A connection to one origin.

    Args:
        dialer: Opens it.
        request: The first request, which says where to.
        proxy: Goes between, if any.
        watch: Told each socket as soon as there is one.

    Attributes:
        socket: The socket.
        since: When it became idle, in seconds of monotonic time; meaningless while it is used.

    Raises:
        StoreError: It could not be opened.
    """

    def __init__(self, dialer: Dialer, request: Request, proxy: Proxy | None, watch: Watch) -> None:
        try:
            self.socket: socket.socket = dialer.open(request, proxy, watch)
        except OSError as error:
            raise network_error(request.url, error) from error
        self.since = 0.0
        self._proxy = proxy if request.url.origin.scheme == "http" else None
        origin = request.url.origin
        self.http = http.client.HTTPConnection(origin.host, origin.port)
        self.http.auto_open = 0  # nothing but the checked address is ever dialled
        self.http.sock = self.socket

    def ask(self, request: Request) -> http.client.HTTPResponse:
        """Send the request and return the answer, its body not yet read."""
        origin = request.url.origin
        self.socket.settimeout(request.timeout)
        self.http.putrequest(
            request.method,
            str(request.url) if self._proxy else request.url.target,
            skip_host=True,
            skip_accept_encoding=True,
        )
        self.http.putheader("Host", origin.authority)
        if self._proxy and self._proxy.authorization:
            self.http.putheader("Proxy-Authorization", self._proxy.authorization)
        for name, value in request.headers:
            self.http.putheader(name, value)
        if request.body:
            self.http.putheader("Content-Length", str(len(request.body)))
        self.http.endheaders(request.body or None)
        return self.http.getresponse()

    def close(self) -> None:
        """Close it."""
        self.http.close()
        self.socket.close()


def exchange(connection: Connection, request: Request, watch: Watch) -> tuple[Response, bool]:
    """Make one exchange.

    Returns:
        The answer, and whether the connection can be used again.

    Raises:
        StoreError: As in `Transport`.
    """
    try:
        watch(connection.socket)
        answer = connection.ask(request)
    except (OSError, http.client.RemoteDisconnected) as error:
        raise network_error(request.url, error) from error
    except (http.client.HTTPException, ValueError) as error:
        raise malformed(request.url, type(error).__name__) from error
    try:
        return _read(answer, request)
    except OSError as error:
        raise network_error(request.url, error) from error
    except (http.client.HTTPException, ValueError) as error:
        raise malformed(request.url, type(error).__name__) from error
    finally:
        answer.close()


def _read(answer: http.client.HTTPResponse, request: Request) -> tuple[Response, bool]:
    if answer.msg.defects or answer.status < 200:
        raise malformed(request.url, "its header cannot be read")
    headers = Headers(tuple((name.lower(), value) for name, value in answer.getheaders()))
    announced = check_headers(request, answer.status, headers)
    limit = request.limit if answer.status == 200 else ERROR_BYTES
    body = _body(answer, limit)
    whole = len(body) <= limit
    if answer.status == 200:
        if not whole:
            raise too_large(request)
        check_end(request, len(body), announced)
    keep = whole and not answer.will_close and (announced in (None, len(body)) or answer.status in _NO_BODY)
    return Response(answer.status, headers, bytes(body[:limit]), request.url), keep


def _body(answer: http.client.HTTPResponse, limit: int) -> bytearray:
    """Return at most one byte more than the limit; nothing is believed of the length announced."""
    body = bytearray()
    buffer = bytearray(min(_CHUNK, limit + 1))
    with memoryview(buffer) as view:
        while len(body) <= limit:
            count = answer.readinto(view[: limit + 1 - len(body)])
            if not count:
                break
            body += view[:count]
    return body
