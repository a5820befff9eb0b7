"""Runs work concurrently within a window, and yields results in the order of the items."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
WINDOW = 16  # connections and memory stay bounded for a list of any length


async def in_order(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], window: int = WINDOW
) -> AsyncGenerator[R, None]:
    """Iterate over what the work returns for each item, in the items' order.

    Args:
        items: What to work on.
        work: Called for each item; what it raises ends the iteration.
        window: How many pieces of work there are at the same time, finished and not yet taken ones included.
    """
    tasks: deque[asyncio.Task[R]] = deque()
    try:
        for item in items:
            tasks.append(asyncio.create_task(_call(work, item)))
            # The oldest first, finished or not: output in the input's order can be compared between runs.
            if len(tasks) >= window:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            # The caller may stop early; without this, requests go on after the store is closed.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _call(work: Callable[[T], Awaitable[R]], item: T) -> R:
    return await work(item)  # create_task takes a coroutine and no other awaitable
