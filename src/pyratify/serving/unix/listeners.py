"""Sites served at unix sockets."""

import os
from collections.abc import Iterable, MutableMapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.peers import Peers
from pyratify.serving.http.routes import Site
from pyratify.serving.unix.activation import activated
from pyratify.serving.unix.bind import BoundSocket, bind_unix


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixSite:
    """A site at a unix socket.

    Attributes:
        path: The socket's path.
        site: What is served.
        peers: Which processes are answered.
    """

    path: Path
    site: Site
    peers: Peers


def bind_sites(
    sites: Iterable[UnixSite], stack: AsyncExitStack, environment: MutableMapping[str, str] = os.environ
) -> dict[Path, BoundSocket]:
    """Return a listening socket for each site: that of systemd where it hands one over, else one made here.

    Args:
        sites: The sites.
        stack: Closes the sockets and removes their files.
        environment: Holds what systemd says of the sockets that it hands over.

    Raises:
        ConfigurationError: A path cannot be listened at, or systemd listens at one that no site has.
    """
    handed = activated(environment)
    # First, so that an error below closes what systemd handed over, too.
    for one in handed.values():
        stack.callback(one.listener.close)
    wanted = tuple(sites)
    extra = handed.keys() - {each.path for each in wanted}
    if extra:
        # Clients of such a socket would wait without an end.
        raise ConfigurationError(
            f"systemd listens at {min(extra)}, and nothing here answers there",
            remedy="Name the same paths in the socket unit and in the flags.",
        )
    return {each.path: handed.get(each.path) or _bound(each, stack) for each in wanted}


def fault_of(sockets: Iterable[BoundSocket]) -> str:
    """Return what is wrong with one of the sockets; empty where nothing is."""
    return next(filter(None, (one.fault() for one in sockets)), "")


def _bound(each: UnixSite, stack: AsyncExitStack) -> BoundSocket:
    one = bind_unix(each.path, group=each.peers.group)
    stack.callback(_close, one)
    return one


def _close(one: BoundSocket) -> None:
    # Before it is closed: afterwards the next server may have its own socket there.
    one.remove()
    with suppress(OSError):
        one.listener.close()
