"""Bounds how many artifacts with large documents are in memory at the same time."""

import asyncio
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.offload import LARGE

LARGE_ARTIFACTS = 4
"""Of one executor; each may hold a manifest and a signature of 4 MiB, and what is made of them: some 30 MiB."""


@dataclass(slots=True)
class Lease:
    """The slot of one artifact; taken at its first large document and kept until the artifact is done.

    Attributes:
        places: The slots of an executor.
    """

    places: asyncio.Semaphore
    _taken: bool = False
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, size: int) -> None:
        """Wait for a slot before a document of that size is read; a small one, or one with a slot, need not wait."""
        if size <= LARGE:
            return
        # Two blobs of one artifact may be read at once: without the lock both would take a slot.
        async with self._taking:
            if not self._taken:
                await self.places.acquire()
                self._taken = True

    def release(self) -> None:
        """Release the slot."""
        if self._taken:
            self._taken = False
            self.places.release()
