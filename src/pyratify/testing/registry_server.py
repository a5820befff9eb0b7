"""The server below the registry simulator: threads, real sockets, and full control over every byte sent."""

import ssl
import sys
from collections.abc import Callable
from io import BufferedReader
from typing import Any

from pyratify.testing.loopback import POLL, LoopbackServer, TlsRequestHandler
from pyratify.testing.registry_faults import Answer, Fault, Hit

Respond = Callable[[Hit], tuple[Answer, Fault | None]]
# The first byte of a TLS handshake record (RFC 8446, section 5.1).
_TLS = b"\x16"
_FILLER = b"x" * 65536


class Server(LoopbackServer):
    """Sends prepared responses.

    Args:
        respond: Says what to send; called in the connection's thread.
        tls: The TLS context; None for plain http.
    """

    def __init__(self, respond: Respond, tls: ssl.SSLContext | None) -> None:
        super().__init__(_Connection, tls, "registry simulator")
        self.respond = respond
        self.errors: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep defects of the simulator itself for the test; clients that go away are nothing special."""
        del request, client_address
        error = sys.exception()
        # TLS errors are OSErrors as well, and clients under test break handshakes on purpose.
        if not isinstance(error, OSError):
            self.errors.append(repr(error))


class _Connection(TlsRequestHandler):
    server: Server
    rfile: BufferedReader

    def handle(self) -> None:
        super().handle()
        while self._one():
            pass

    def _one(self) -> bool:
        hit = self._read()
        if hit is None:
            return False
        answer, fault = self.server.respond(hit)
        if fault is None:
            self._send(answer, len(answer.body))
            return True
        return self._misbehave(answer, fault)

    def _read(self) -> Hit | None:
        # https tried on a plain server (docs/decisions/0005): there may be no line end to wait for.
        if self.rfile.peek(1)[:1] == _TLS:
            self.wfile.write(head(Answer(400), 0))
            return None
        # Bounded, so that a client's defect cannot fill the memory of the test; latin-1 decodes every byte.
        parts = self.rfile.readline(65536).decode("latin-1").split()
        if len(parts) != 3:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline(65536).decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        certificate = self.request.getpeercert(binary_form=True) if self.server.tls else None
        return Hit(parts[0], parts[1], headers, body, certificate or b"")

    def _send(self, answer: Answer, length: int | None) -> None:
        self.wfile.write(head(answer, length) + answer.body)

    def _misbehave(self, answer: Answer, fault: Fault) -> bool:
        while fault.wait is not None and not fault.wait.wait(POLL):
            if self.server.stopping.is_set():
                return False
        if fault.close:
            return False
        if fault.raw is not None:
            self.wfile.write(fault.raw)
            return False
        if fault.drip is not None:
            return self._drip(head(answer, len(answer.body)) + answer.body, fault.drip)
        if fault.truncate is not None:
            # The header promises the whole length, so that the client can notice what is missing.
            self.wfile.write(head(answer, len(answer.body)) + answer.body[: fault.truncate])
            return False
        if fault.endless:
            # Without a length the body ends with the connection (RFC 9112, section 6.3).
            self._send(answer, None)
            while not self.server.stopping.is_set():
                self.wfile.write(_FILLER)
        # A test that sets the framing itself may leave the client waiting for more: no second request.
        own = any(name.lower() in ("content-length", "transfer-encoding") for name in fault.headers)
        self._send(answer, None if own else len(answer.body))
        return not own

    def _drip(self, data: bytes, seconds: float) -> bool:
        for index in range(len(data)):
            # Each byte in its own write: the client has to read a header that comes in pieces.
            self.wfile.write(data[index : index + 1])
            if self.server.stopping.wait(seconds):
                break
        return False


def head(answer: Answer, length: int | None) -> bytes:
    """Return the bytes of an answer's header, with `Content-Length` unless the length is None."""
    lines = [f"HTTP/1.1 {answer.status} Simulated"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    # UTF-8, so that a fault can put bytes outside ASCII into a field.
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
