"""Listening sockets."""

import contextlib
import socket

from pyratify.serving.http.sockets import RECEIVE_BUFFER, bind


def test_what_a_client_sends_waits_with_the_client() -> None:
    """A turn of the event loop decrypts what waits in all connections: a sender of a large body decides nothing of its length."""
    (listener,) = bind("127.0.0.1", 0)
    with contextlib.closing(listener), socket.create_connection(listener.getsockname()) as client:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while client.send(bytes(65536)):
                pass
        listener.setblocking(True)
        connection, _ = listener.accept()
        with connection:
            waiting = connection.recv(64 * RECEIVE_BUFFER, socket.MSG_PEEK)
    assert 0 < len(waiting) <= 2 * RECEIVE_BUFFER
