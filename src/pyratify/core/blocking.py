"""Calls of libraries that block, as the clouds' SDKs do: in threads of their own, few at a time, and never for long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
_GRACE = 1.0  # seconds


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


async def in_daemon(call: Callable[[], T]) -> T:
    """Return what a call returns, and raise what it raises; in a thread that the end of the process does not wait for.

    A thread of a pool is waited for, and one that reads a pipe to which nothing is written would outlast an interrupt.
    """
    result: Future[T] = Future()

    def run() -> None:
        result.set_running_or_notify_cancel()
        try:
            result.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
            result.set_exception(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        return await asyncio.wrap_future(result)
    except asyncio.CancelledError:
        # What only computes or imports comes to its end: native code does not bear that its thread is ended within it.
        thread.join(_GRACE)
        raise
