"""Large content in memory at the same time: what publishers attach may hold no more of a process than its share."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyratify.core.limits import MIB
from pyratify.core.offload import LARGE


@dataclass(slots=True)
class LargeContent:
    """Lets large content be read, checked and verified as long as all of it together fits; the rest waits in order.

    What is small never waits. A holder must not hold twice: two that each wait for the other's share would never end.

    Attributes:
        most: The most bytes; one piece that is larger is held alone.
        held: How many bytes are held.
    """

    most: int = 24 * MIB
    held: int = 0
    _waiting: deque[tuple[int, "asyncio.Future[None]"]] = field(default_factory=deque)

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Hold that many bytes while the context is open."""
        if size <= LARGE:
            yield
            return
        weight = min(size, self.most)
        await self._take(weight)
        try:
            yield
        finally:
            self._give(weight)

    async def _take(self, weight: int) -> None:
        if not self._waiting and self.held + weight <= self.most:
            self.held += weight
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((weight, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its turn had come already
                self._give(weight)
            raise

    def _give(self, weight: int) -> None:
        self.held -= weight
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.held + self._waiting[0][0] <= self.most:
            weight, turn = self._waiting.popleft()
            if not turn.cancelled():
                self.held += weight
                turn.set_result(None)
