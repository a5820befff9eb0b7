"""The members of a group, looked up off the event loop: the name service may be a directory on the network (nsswitch.conf(5))."""

import asyncio
import grp
import pwd
from collections.abc import Callable
from functools import partial

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.http.threads import in_thread


def members_of(group: int) -> frozenset[int]:
    """Return the users of a group; blocks for as long as the name service takes.

    Raises:
        OSError: The name service failed.
    """
    try:
        names = grp.getgrgid(group).gr_mem
    except KeyError:
        return frozenset()
    return frozenset(user for name in names if (user := _user(name)) is not None)


@dataclass(slots=True)
class GroupMembers:
    """The members of one group, remembered for seconds.

    Attributes:
        group: Its number.
        clock: Measures how long they are remembered.
        look_up: Returns them, and may block.
        seconds: How long a request waits for a look-up.
        lifetime: Seconds for which they are remembered; a member that is removed is refused after that.
    """

    group: int
    clock: Clock
    look_up: Callable[[int], frozenset[int]] = members_of
    seconds: float = 2.0
    lifetime: float = 5.0
    _found: frozenset[int] = frozenset()
    _until: float = float("-inf")
    _under_way: asyncio.Task[frozenset[int]] | None = None

    async def include(self, user: int) -> bool:
        """Return whether a user is one of them.

        Raises:
            OSError: They could not be looked up; `TimeoutError` where that takes too long.
        """
        fresh = self.clock.monotonic() < self._until
        return user in (self._found if fresh else await self._looked_up())

    async def _looked_up(self) -> frozenset[int]:
        # One at a time: a directory that hangs must not use up threads. Requests that come meanwhile wait for the same answer.
        under_way = self._under_way or self._begin()
        done, _ = await asyncio.wait({under_way}, timeout=self.seconds)
        if not done:
            raise TimeoutError(f"no answer within {self.seconds:g} s")
        return under_way.result()

    def _begin(self) -> asyncio.Task[frozenset[int]]:
        # A daemon: a directory that hangs must not keep the server from its end.
        begun = asyncio.create_task(in_thread("group", partial(self.look_up, self.group)))
        self._under_way = begun
        begun.add_done_callback(self._finish)
        return begun

    def _finish(self, done: asyncio.Task[frozenset[int]]) -> None:
        # Also where no request waits any more: an answer that came late must not be taken for a new one hours later.
        self._under_way = None
        if not done.cancelled() and done.exception() is None:
            self._found, self._until = done.result(), self.clock.monotonic() + self.lifetime


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


def _user(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:  # a group may name users that are gone
        return None
