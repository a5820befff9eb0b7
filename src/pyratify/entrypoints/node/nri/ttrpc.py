"""ttrpc over NRI's multiplexed connection: frames in frames, and the two envelopes.

The outer frame has a connection's number and a length (nri, pkg/net/multiplex), the inner one a length, a stream, a type and
flags (ttrpc, PROTOCOL.md). A message of the one may begin anywhere in the frames of the other.
"""

import struct
from collections.abc import Iterator
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.protobuf import InvalidMessage, encode, integer, part, texts

REQUEST, RESPONSE = 1, 2
PLUGIN, RUNTIME = 1, 2
"""The connections by which the plugin is asked, and by which it asks the runtime."""
REMOTE_CLOSED = 1
_OUTER, _INNER = struct.Struct(">II"), struct.Struct(">IIBB")
MAX_MESSAGE = 4 << 20  # ttrpc's own bound (channel.go, messageLengthMax)
_MAX_FRAME = MAX_MESSAGE + _INNER.size


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream.

    Attributes:
        connection: `PLUGIN` or `RUNTIME`.
        stream: The stream; a response has that of its request.
        kind: `REQUEST` or `RESPONSE`.
        body: The envelope.
    """

    connection: int
    stream: int
    kind: int
    body: bytes

    def frame(self) -> bytes:
        """Return it as it is sent."""
        flags = REMOTE_CLOSED if self.kind == REQUEST else 0  # nothing follows a request
        inner = _INNER.pack(len(self.body), self.stream, self.kind, flags) + self.body
        return _OUTER.pack(self.connection, len(inner)) + inner


@dataclass(slots=True)
class Frames:
    """Takes bytes of the trunk, and gives whole messages."""

    _trunk: bytearray = field(default_factory=bytearray)
    _inner: dict[int, bytearray] = field(default_factory=lambda: {PLUGIN: bytearray(), RUNTIME: bytearray()})

    def feed(self, data: bytes) -> Iterator[Message]:
        """Iterate over the messages that are whole with these bytes.

        Raises:
            InvalidMessage: A length is more than the protocol allows.
        """
        self._trunk += data
        while len(self._trunk) >= _OUTER.size:
            connection, size = _OUTER.unpack_from(self._trunk)
            # Before more is kept: an announced length must not fill the memory.
            if size > _MAX_FRAME:
                raise InvalidMessage(f"a frame of {size} bytes")
            if len(self._trunk) < _OUTER.size + size:
                return
            payload = self._trunk[_OUTER.size : _OUTER.size + size]
            del self._trunk[: _OUTER.size + size]
            # As the runtime does: frames of a connection that does not exist are dropped.
            if connection in self._inner:
                self._inner[connection] += payload
                yield from self._whole(connection, self._inner[connection])

    def _whole(self, connection: int, data: bytearray) -> Iterator[Message]:
        while len(data) >= _INNER.size:
            size, stream, kind, _ = _INNER.unpack_from(data)
            if size > MAX_MESSAGE:
                raise InvalidMessage(f"a message of {size} bytes")
            if len(data) < _INNER.size + size:
                return
            body = bytes(data[_INNER.size : _INNER.size + size])
            del data[: _INNER.size + size]
            yield Message(connection, stream, kind, body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        service: The full name of the service.
        method: The method.
        payload: Its argument.
        seconds: In how many seconds the caller wants the response; 0 where it does not say.
    """

    service: str
    method: str
    payload: bytes
    seconds: float = 0.0

    def encode(self) -> bytes:
        """Return the envelope `ttrpc.Request`."""
        return encode(_1=self.service, _2=self.method, _3=self.payload)

    @classmethod
    def parse(cls, body: bytes) -> "Call":
        """Parse the envelope.

        Raises:
            InvalidMessage: It is none.
        """
        service, method = texts(body, 1, 2)
        return cls(service, method, part(body, 3), integer(body, 4) / 1e9)  # Request.timeout_nano


def succeeded(payload: bytes = b"") -> bytes:
    """Return the envelope `ttrpc.Response` of a result."""
    return encode(_2=payload)


def failed(code: int, message: str) -> bytes:
    """Return the envelope of an error, by a code of gRPC."""
    return encode(_1=encode(_1=code, _2=message))


def result_of(body: bytes) -> str:
    """Return the message of a response's error; empty for a result.

    Raises:
        InvalidMessage: It is no response.
    """
    status = part(body, 1)
    if not integer(status, 1):
        return ""
    return texts(status, 2)[0] or "an error without a message"
