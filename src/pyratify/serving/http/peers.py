"""Which local processes may ask: root, the server's own user, and the members of one group."""

import grp
import os
import pwd
import socket
import struct
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)


@dataclass(frozen=True, slots=True)
class Peer:
    """A process at the other end of a unix socket, as the kernel noted it when it connected.

    Attributes:
        pid: The process.
        uid: Its effective user.
        gid: Its effective group.
    """

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Return the process at the other end.

    Raises:
        OSError: The kernel does not say.
    """
    return Peer(
        *_CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    )


@dataclass(frozen=True, slots=True)
class Peers:
    """Processes that may ask.

    Attributes:
        group: The members of this group may, beside root and the server's own user; None for no group.
        own: The server's own user.
    """

    group: int | None = None
    own: int = field(default_factory=os.geteuid)

    def admits(self, peer: Peer) -> bool:
        """Return whether a process may ask."""
        if peer.uid in (0, self.own):
            return True
        # Looked up for each connection: a member that is removed is refused from then on.
        return self.group is not None and (peer.gid == self.group or peer.uid in _members(self.group))


def group_number(name: str) -> int:
    """Return the number of a group, given by name or number.

    Raises:
        ConfigurationError: There is no such group.
    """
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigurationError(
            f"there is no group {name[:80]!r}", remedy=f"Make it: groupadd --system {name[:80]}."
        ) from None


def _members(group: int) -> frozenset[int]:
    """Return the users of a group; SO_PEERCRED names no supplementary groups of a process."""
    try:
        names = grp.getgrgid(group).gr_mem
    except KeyError:
        return frozenset()
    return frozenset(user for name in names if (user := _user(name)) is not None)


def _user(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:  # a group may name users that are gone
        return None
