"""Which local processes may ask: root, the server's own user, and the members of one group."""

import os
import socket
import struct
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import describe
from pyratify.serving.http.group_members import GroupMembers
from pyratify.serving.http.routes import Rejection

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
        members: The members of this group may, beside root and the server's own user; None for no group.
        own: The server's own user.
    """

    members: GroupMembers | None = None
    own: int = field(default_factory=os.geteuid)

    @property
    def group(self) -> int | None:
        """The number of the group."""
        return None if self.members is None else self.members.group

    async def refusal(self, peer: Peer) -> Rejection | None:
        """Return why a process may not ask; None where it may."""
        if peer.uid in (0, self.own) or peer.gid == self.group:
            return None
        try:
            # SO_PEERCRED names no supplementary groups of a process.
            if self.members is not None and await self.members.include(peer.uid):
                return None
        except OSError as error:
            why = f"the members of the group {self.group} (--group) could not be looked up: {describe(error)}"
            return Rejection(503, "GROUP_UNKNOWN", why, retry_after=1)
        return Rejection(403, "UNAUTHORIZED", "the process belongs to a user that may not ask here")
