"""The server below every simulator: a free port of 127.0.0.1, a thread for each connection, and an end that leaves none behind."""

import contextlib
import socket
import socketserver
import ssl
import threading
from typing import Any

POLL = 0.02
"""How many seconds pass between two looks at whether to end."""


class TlsRequestHandler(socketserver.StreamRequestHandler):
    """Handles a connection of a `LoopbackServer`, over TLS where the server has a context."""

    # Else small answers wait 40 ms for the acknowledgement of the one before.
    disable_nagle_algorithm = True
    server: "LoopbackServer"

    def setup(self) -> None:
        """Prepare the handshake."""
        if self.server.tls is not None:
            # A duplicate: wrap_socket detaches what it wraps, and `hang_up` has to reach the socket.
            self.request = self.server.tls.wrap_socket(
                self.request.dup(), server_side=True, do_handshake_on_connect=False
            )
        super().setup()

    def handle(self) -> None:
        """Make the handshake, in the connection's thread: an unfinished one must not block the server."""
        if isinstance(self.request, ssl.SSLSocket):
            # Here and not in `setup`: `finish`, which closes the socket, runs only after `handle` has begun.
            self.request.do_handshake()
        super().handle()

    def finish(self) -> None:
        """Close the connection."""
        # Flushing fails when the client has gone.
        with contextlib.suppress(OSError):
            super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1.

    Args:
        handler: Handles one connection.
        tls: The TLS context; None for plain http.
        name: The name of its thread.

    Attributes:
        stopping: Set when it is to end.
        accepted: How many connections there have been.
    """

    allow_reuse_address = True
    # Joined by server_close: a thread that outlives its test would disturb the next one.
    daemon_threads = False
    # The default backlog of 5 is too short for tests that connect hundreds of times at once.
    request_queue_size = 256

    def __init__(
        self, handler: type[socketserver.BaseRequestHandler], tls: ssl.SSLContext | None, name: str
    ) -> None:
        # Port 0: the system chooses a free one, so test processes can run side by side.
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.stopping = threading.Event()
        self.accepted = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL,), name=name)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and every thread."""
        # In this order: none is accepted after the open ones end, and then their threads can be joined.
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.hang_up()
        self.server_close()

    def hang_up(self) -> None:
        """End every connection."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    # Not closed: this wakes the reading thread, and its descriptor remains its own.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread."""
        # Before the thread starts: `hang_up` must also find connections that were only just accepted.
        with self._lock:
            self._open.add(request)
            self.accepted += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)
