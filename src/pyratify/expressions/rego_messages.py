"""Messages between a program and the process that evaluates its policy: bytes behind their length."""

import socket

MAX_MESSAGE = 8 * 1024 * 1024
_LENGTH = 4


def send(connection: socket.socket, data: bytes) -> None:
    """Send one message.

    Raises:
        OSError: The other end is gone, or the socket's time is over.
    """
    connection.sendall(len(data).to_bytes(_LENGTH, "big") + data)


def receive(connection: socket.socket) -> bytes | None:
    """Return the next message; None at the end.

    Raises:
        OSError: The socket's time is over, or the message is larger than may be.
    """
    head = _exactly(connection, _LENGTH)
    if head is None:
        return None
    length = int.from_bytes(head, "big")
    # A policy chooses the size of its result, and the parent process must not allocate all of it.
    if length > MAX_MESSAGE:
        raise OSError(f"a message of {length} bytes")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        # In pieces: `recv` allocates all that it is asked for before anything has come.
        part = connection.recv(min(length - len(data), 1024 * 1024))
        if not part:
            return None
        data += part
    return bytes(data)
