"""What request bodies may hold of a server's memory, and where they are parsed."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import field
from typing import TypeVar

from pyratify.core.dataclass import dataclass
from pyratify.core.limits import MIB

T = TypeVar("T")
SMALL = 64 * 1024
"""The most bytes of a body that is parsed at once, on the event loop."""
_LARGE_PART = 0.75


@dataclass(slots=True)
class BodyBudget:
    """Bytes that all request bodies of a server may hold at the same time, from before they are read until their answers.

    A quarter is for small bodies alone, so that large ones do not keep ordinary requests out.

    Attributes:
        most: The most bytes.
        held: How many are held.
        refused: How many bodies did not fit.
    """

    most: int = 32 * MIB
    held: int = 0
    refused: int = 0

    @contextmanager
    def room(self) -> "Iterator[Room]":
        """Yield the room of one body, whose bytes are held until the end."""
        room = Room(self)
        try:
            yield room
        finally:
            # Also for bodies that failed or were refused halfway; else their bytes would be held for ever.
            self.held -= room.size


@dataclass(slots=True)
class Room:
    """What one body holds.

    Attributes:
        budget: What it is taken from.
        size: How many bytes.
    """

    budget: BodyBudget
    size: int = 0

    def grow(self, size: int) -> bool:
        """Hold that many bytes more, or tell that they do not fit."""
        budget, whole = self.budget, self.size + size
        if budget.held + size > (budget.most if whole <= SMALL else budget.most * _LARGE_PART):
            budget.refused += 1
            return False
        # No lock: only the event loop counts here.
        budget.held += size
        self.size = whole
        return True


@dataclass(slots=True)
class Parsing:
    """Parses bodies: small ones at once, large ones one after another in a thread, so that the event loop goes on."""

    _pool: ThreadPoolExecutor = field(
        # One thread: more would only compete with the event loop for the interpreter.
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="request parser")
    )

    async def parse(self, parse: Callable[[bytes], T], body: bytes) -> T:
        """Return what `parse` makes of a body, or raise what it raises."""
        if len(body) <= SMALL:
            return parse(body)
        return await asyncio.get_running_loop().run_in_executor(self._pool, parse, body)
