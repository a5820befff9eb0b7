"""Messages to and from the process of a policy: bounded, and one at a time."""

import socket
from collections.abc import Iterator

import pytest

from pyratify.expressions.rego.messages import MAX_MESSAGE, body, framed, receive, send


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 300, b"y" * 100_000])
def test_a_message_arrives_whole(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    """Of any length."""
    send(ends[0], data)
    assert receive(ends[1]) == data


def test_a_message_is_whole_with_its_last_byte_and_not_before() -> None:
    """Wherever the system cuts it."""
    whole = framed(b"message")
    assert [body(bytearray(whole[:length])) for length in range(len(whole) + 1)] == [None] * 11 + [b"message"]


def test_a_connection_that_ends_within_a_message_has_none(ends: tuple[socket.socket, socket.socket]) -> None:
    """Half of a message is not the message."""
    ends[0].sendall(framed(b"message")[:-1])
    ends[0].close()
    assert receive(ends[1]) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((MAX_MESSAGE + 1).to_bytes(4, "big"), "8388609 bytes"),
        (framed(b"one") + b"t", "more than one"),
        (framed(b"") + framed(b"two"), "more than one"),
    ],
)
def test_what_is_no_single_message_of_a_bounded_size_is_refused(
    ends: tuple[socket.socket, socket.socket], data: bytes, said: str
) -> None:
    """A second one would be taken for the next answer; a policy chooses the size of its result."""
    ends[0].sendall(data)
    with pytest.raises(OSError, match=said):
        receive(ends[1])
    assert body(bytearray(MAX_MESSAGE.to_bytes(4, "big"))) is None
