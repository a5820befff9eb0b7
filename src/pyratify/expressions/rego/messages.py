"""Messages between a program and the process that evaluates its policy: bytes behind their length.

Questions and answers take turns, so nothing stands behind a message.
"""

import socket

MAX_MESSAGE = 8 * 1024 * 1024
PIECE = 64 * 1024
"""Bytes that are received at once: `recv` allocates all that it is asked for before anything has come."""
FAILED = b"!"
"""Begins an answer whose rest says why there is none."""
_LENGTH = 4


def send(connection: socket.socket, data: bytes) -> None:
    """Send one message.

    Raises:
        OSError: The other end is gone, or the socket's time is over.
    """
    connection.sendall(framed(data))


def receive(connection: socket.socket) -> bytes | None:
    """Return the next message; None at the end.

    Raises:
        OSError: The socket's time is over, the message is larger than may be, or more than one has come.
    """
    data = bytearray()
    while part := connection.recv(PIECE):
        data += part
        if (found := body(data)) is not None:
            return found
    return None


def framed(data: bytes) -> bytes:
    """Return a message as it is sent."""
    return len(data).to_bytes(_LENGTH, "big") + data


def body(data: bytearray) -> bytes | None:
    """Return the message in what was received; None where some of it is still to come.

    Raises:
        OSError: It is larger than may be, or more than one message has come.
    """
    length = int.from_bytes(data[:_LENGTH], "big")
    # A policy chooses the size of its result, and the parent process must not allocate all of it.
    if length > MAX_MESSAGE:
        raise OSError(f"a message of {length} bytes")
    left = _LENGTH + length - len(data)
    if left < 0:
        raise OSError("more than one message")
    return bytes(data[_LENGTH:]) if left == 0 else None
