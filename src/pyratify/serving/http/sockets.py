"""Listening sockets, bound once and, where there are several workers, inherited by all of them."""

import errno
import socket
from typing import Any

from pyratify.core.errors import ConfigurationError

BACKLOG = 512
UNIX_BACKLOG = (
    4096  # a full one refuses clients that do not block (unix(7)), and a thousand pulls may start at once
)
RECEIVE_BUFFER = 32 * 1024
"""Bytes that a connection may have waiting for the event loop; Linux doubles them (tcp(7))."""
_ABSENT = (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def bind(host: str, port: int) -> tuple[socket.socket, ...]:
    """Return sockets that listen at every address of a host, all on the same port.

    Args:
        host: The host or address; empty for all.
        port: The port; 0 for any free one.

    Raises:
        ConfigurationError: It cannot be listened there.
    """
    found: list[socket.socket] = []
    try:
        # AI_PASSIVE without a host returns the wildcard addresses of IPv4 and IPv6 (RFC 3493, section 6.1).
        places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, where in dict.fromkeys(places):
            one = _socket(family)
            if one is not None:
                found.append(one)
                _listen(one, (where[0], port, *where[2:]))
                # Of port 0 the kernel chooses one for the first socket; the others take the same.
                port = one.getsockname()[1]
    # OverflowError: a port above 65535, which getaddrinfo or bind refuses so.
    except (OSError, OverflowError) as error:
        for one in found:
            one.close()
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {why}",
            remedy="Name another address, or end what listens there.",
        ) from None
    return tuple(found)


def _socket(family: int) -> socket.socket | None:
    """Return a socket, or None where this machine has no such addresses."""
    try:
        return socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def _listen(one: socket.socket, where: tuple[Any, ...]) -> None:
    one.setblocking(False)  # workers share it: another one may accept first
    # A restart must not wait for old connections in TIME-WAIT.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if one.family == socket.AF_INET6:
        # Else the IPv6 wildcard takes IPv4 too, and the second bind fails.
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    # Else up to 6 MiB wait in each, and a turn of the event loop decrypts what all senders of large bodies have there.
    # Before listening, as accepted sockets and their windows take it over.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    one.bind(where)
    one.listen(BACKLOG)
