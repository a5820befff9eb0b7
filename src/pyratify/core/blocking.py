"""Calls of libraries that block, as the clouds' SDKs do: in threads of their own, few at a time, and never for long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class BlockingCalls:
    """Runs blocking calls in threads, apart from those that parse and hash.

    Args:
        seconds: How long one call may take; the library's own time-outs must end its thread soon after that.
        most: How many run at the same time.
    """

    def __init__(self, seconds: float, most: int = 4) -> None:
        self._seconds = seconds
        self._most = most
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, call: Callable[..., T], *arguments: object, **named: object) -> T:
        """Return what the call returns, and raise what it raises.

        Raises:
            TimeoutError: It takes longer than it may; a thread cannot be stopped, so it ends by itself later.
        """
        # With the first call: most processes make none.
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="blocking")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds):
            return await loop.run_in_executor(self._pool, partial(call, *arguments, **named))
