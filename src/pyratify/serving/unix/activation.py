"""Sockets that systemd listens at and hands over (sd_listen_fds(3)), so that clients wait while the server starts."""

import os
import socket
from collections.abc import MutableMapping
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.serving.unix.bind import BoundSocket

_FIRST = 3  # SD_LISTEN_FDS_START
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
_MOST = 64


def activated(environment: MutableMapping[str, str], first: int = _FIRST) -> dict[Path, BoundSocket]:
    """Return the sockets that were handed to this process, by the paths that they listen at.

    Args:
        environment: Holds systemd's variables, which are removed: a child must not take them for its own.
        first: The number of the first descriptor.

    Raises:
        ConfigurationError: What was handed over is no listening unix socket.
    """
    pid, number, _ = (environment.pop(name, "") for name in _VARIABLES)
    # LISTEN_PID: variables that a parent passed on are not for this process (sd_listen_fds(3)).
    if pid != str(os.getpid()) or not (number.isascii() and number.isdigit()):
        return {}
    if int(number) > _MOST:
        raise ConfigurationError(f"LISTEN_FDS is {number[:20]}, more than {_MOST} sockets")
    found = (_taken(descriptor) for descriptor in range(first, first + int(number)))
    return {one.path: one for one in found}


def _taken(descriptor: int) -> BoundSocket:
    try:
        one = socket.socket(fileno=descriptor)
        listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise _refusal(descriptor, error.strerror or str(error)) from None
    # Other kinds of sockets have no SO_PEERCRED of each client that could be checked.
    if one.family != socket.AF_UNIX or one.type != socket.SOCK_STREAM or not listens:
        one.close()
        raise _refusal(descriptor, "it is no listening unix stream socket")
    # systemd hands them over without close-on-exec.
    one.set_inheritable(False)
    one.setblocking(False)
    path = Path(os.fsdecode(one.getsockname()))
    try:
        status = path.lstat()
    except OSError as error:
        one.close()
        raise _refusal(descriptor, f"{path}: {error.strerror}") from None
    return BoundSocket(path, one, owned=False, identity=(status.st_dev, status.st_ino))


def _refusal(descriptor: int, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the descriptor {descriptor} that systemd handed over cannot be used: {why}",
        remedy="Use ListenStream=/path in the socket unit.",
    )
