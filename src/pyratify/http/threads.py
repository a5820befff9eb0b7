"""Blocking work in threads of its own, which delay neither a cancellation nor the end of the program."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Do blocking work in a thread of its own and return what it returns, or raise what it raises.

    Args:
        name: The thread's name.
        work: What to do; when the caller is cancelled it goes on, and its outcome is forgotten.
    """
    job = _Job(work)
    # Not the loop's executor: its few threads would all hang in a dead resolver, and are joined at exit.
    threading.Thread(target=job.run, name=name, daemon=True).start()
    return await job.outcome


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[T] = self._loop.create_future()

    def run(self) -> None:
        try:
            result = self._work()
        # All of them: what ends the thread unsaid, as a panic of native code does, would leave the caller waiting for ever.
        except BaseException as error:  # noqa: BLE001 - handed to the caller as it is
            self._report(self.outcome.set_exception, error)
        else:
            self._report(self.outcome.set_result, result)

    def _report(self, settle: Callable[[Any], None], value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it the caller
            # A future belongs to its loop, and may not be settled from another thread.
            self._loop.call_soon_threadsafe(self._settle, settle, value)

    def _settle(self, settle: Callable[[Any], None], value: object) -> None:
        # The caller may have been cancelled meanwhile; settling twice raises.
        if not self.outcome.done():
            settle(value)
