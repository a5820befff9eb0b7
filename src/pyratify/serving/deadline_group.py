"""Concurrent evaluation with one deadline for all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field
from typing import Any, TypeVar

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.deadline import due
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.work_limiter import one_request

T = TypeVar("T")
_MARGIN_SHARE, _MOST_MARGIN = 0.05, 0.25


@dataclass(slots=True)
class DeadlineGroup:
    """Evaluates keys concurrently; what is not done at the deadline is cancelled.

    Attributes:
        clock: The clock of deadlines.
    """

    clock: Clock = field(default_factory=SystemClock)
    _left: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def each(
        self,
        keys: Iterable[str],
        evaluate: Callable[[str], Awaitable[T]],
        late: Callable[[str], T],
        seconds: float,
    ) -> dict[str, T]:
        """Return a result for every key; equal keys are evaluated once.

        Args:
            keys: The keys.
            evaluate: Evaluates one key; does not raise.
            late: Returns the result of a key that was not evaluated in time.
            seconds: The seconds until the answer has to leave; evaluation ends earlier, after `evaluation_seconds`.
        """
        working = evaluation_seconds(seconds)
        # A task copies the context when it is made, so the deadline has to stand only while they are.
        with due(self.clock.monotonic() + working), one_request():
            tasks = {key: asyncio.ensure_future(evaluate(key)) for key in dict.fromkeys(keys)}
        await self._until(set(tasks.values()), working)
        # Built before the late tasks are cancelled: a cancelled task has no result to return.
        found = {key: task.result() if task.done() else late(key) for key, task in tasks.items()}
        self._leave(*tasks.values())
        return found

    async def aclose(self) -> None:
        """Wait up to a second for tasks that were cancelled at a deadline."""
        if self._left:
            await asyncio.wait(self._left, timeout=1)

    async def _until(self, tasks: "set[asyncio.Future[T]]", seconds: float) -> None:
        """Wait for all tasks, at most that many seconds."""
        # Not asyncio.timeout: the deadline is measured by the injected clock.
        bell = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            waiting: set[asyncio.Future[Any]] = set(tasks)
            # Again and again: ALL_COMPLETED would wait for the bell, and after it for the late tasks.
            while waiting and not bell.done():
                await asyncio.wait({bell, *waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting = {task for task in waiting if not task.done()}
        # The client is gone: evaluations must not go on holding places at registries.
        except asyncio.CancelledError:
            self._leave(*tasks)
            raise
        finally:
            self._leave(bell)

    def _leave(self, *tasks: "asyncio.Future[Any]") -> None:
        """Cancel tasks without waiting for their end."""
        for task in tasks:
            # Not awaited: code that ignores its cancellation must not delay the answer.
            if isinstance(task, asyncio.Task) and not task.done():
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._left.discard)


def evaluation_seconds(seconds: float) -> float:
    """Return for how many seconds keys are evaluated whose answer has to leave within `seconds`.

    The rest, 5 % and at most 250 ms, is for noticing the deadline and rendering the results of many keys, on an event loop that
    hostile keys keep busy.
    """
    return seconds - min(_MOST_MARGIN, seconds * _MARGIN_SHARE)


def late_after(seconds: float) -> Failure:
    """Return the failure of a key that was not evaluated in time for an answer within `seconds`."""
    waited = round(evaluation_seconds(seconds), 2)
    return Failure(Reason.TIMEOUT, f"not answered within {waited:g} seconds", Reason.TIMEOUT.remedy)


def ignore_code(code: str) -> None:
    """Count no error code, where metrics are not enabled."""
    del code
