"""Room for large documents: how many artifacts with one are in memory at the same time."""

import asyncio
from dataclasses import dataclass, field

from pyratify.core.offload import LARGE

LARGE_ARTIFACTS = 4
"""Of one executor; each may hold a manifest and a signature of 4 MiB, and what is made of them: some 30 MiB."""


@dataclass(slots=True)
class Lease:
    """The place of one artifact among those with large documents; taken at its first one, and kept to its end.

    Attributes:
        places: How many there are.
    """

    places: asyncio.Semaphore
    _taken: bool = False
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, size: int) -> None:
        """Wait for a place before a document of that size is read, unless it is small or there is a place already."""
        if size <= LARGE:
            return
        async with self._taking:
            if not self._taken:
                await self.places.acquire()
                self._taken = True

    def release(self) -> None:
        """Give the place back."""
        if self._taken:
            self._taken = False
            self.places.release()
