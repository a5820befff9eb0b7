"""Questions that are answered together, every answer within one deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.deadline import due
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.work_limiter import one_request

T = TypeVar("T")


@dataclass(slots=True)
class DeadlineGroup:
    """Answers questions at the same time.

    Attributes:
        clock: Where deadlines are taken from.
    """

    clock: Clock = field(default_factory=SystemClock)
    _left: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def each(
        self,
        questions: Iterable[str],
        answer: Callable[[str], Awaitable[T]],
        late: Callable[[str], T],
        seconds: float,
    ) -> dict[str, T]:
        """Return an answer for every question; equal ones are asked once.

        Args:
            questions: The questions.
            answer: Answers one of them; it does not raise.
            late: What stands for an answer that was not there in time.
            seconds: In how many seconds all are answered.
        """
        with due(self.clock.monotonic() + seconds), one_request():
            tasks = {each: asyncio.ensure_future(answer(each)) for each in dict.fromkeys(questions)}
        await self._until(set(tasks.values()), seconds)
        found = {
            question: task.result() if task.done() else late(question) for question, task in tasks.items()
        }
        self._leave(*tasks.values())
        return found

    async def aclose(self) -> None:
        """Wait for the end of what was left when a deadline was over."""
        if self._left:
            await asyncio.wait(self._left, timeout=1)

    async def _until(self, tasks: "set[asyncio.Future[T]]", seconds: float) -> None:
        """Wait for all tasks, but not longer than that."""
        bell = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            waiting: set[asyncio.Future[Any]] = set(tasks)
            while waiting and not bell.done():
                await asyncio.wait({bell, *waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting = {task for task in waiting if not task.done()}
        except asyncio.CancelledError:
            self._leave(*tasks)
            raise
        finally:
            self._leave(bell)

    def _leave(self, *tasks: "asyncio.Future[Any]") -> None:
        """End tasks without waiting for their end."""
        for task in tasks:
            if isinstance(task, asyncio.Task) and not task.done():
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._left.discard)


def late_after(seconds: float) -> Failure:
    """Return why there is no answer, when it was not there within that many seconds."""
    return Failure(
        Reason.TIMEOUT, f"not answered within {round(seconds, 2):g} seconds", Reason.TIMEOUT.remedy
    )


def nobody_counts(code: str) -> None:
    """Take no notice of the code of an error, where nothing is measured."""
    del code
