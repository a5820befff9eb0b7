"""Isolates plugins: whatever they raise becomes an error that can be reported."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from pyratify.core.errors import Failure, RatifyError, StoreError
from pyratify.core.reason import Reason

T = TypeVar("T")
# Texts of exceptions can hold whole documents; reports are cached and shown.
_MAX_TEXT = 300
_GRACE = 1.0  # seconds; a task that suppresses cancellation must not hold an answer


class PluginFault(Exception):
    """Stands for an exception of a plugin that would end the process or look like a cancellation."""


def describe(error: BaseException) -> str:
    """Return an exception's type and the beginning of its text, even where its `__str__` raises."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the type says enough
        text = "?"
    return f"{type(error).__name__}: {text[:_MAX_TEXT]}"


def internal(error: BaseException) -> Failure:
    """Return a defect as data, for a report, and release it."""
    release(error)
    return Failure(Reason.INTERNAL, f"unexpected {describe(error)}", Reason.INTERNAL.remedy)


def release(error: BaseException) -> None:
    """Drop the tracebacks of an error that has become data, and of those that led to it.

    A frame with its own error among its locals is a cycle: documents and stores would be held until a whole collection.
    """
    left = [error]
    while left:
        each = left.pop()
        each.__traceback__ = None
        led = (each.__cause__, each.__context__, *getattr(each, "exceptions", ()))
        # Those without a traceback are done: causes may refer to each other.
        left.extend(one for one in led if one is not None and one.__traceback__ is not None)


def as_failure(error: RatifyError) -> Failure:
    """Return an error as data, and release it."""
    release(error)
    return error.failure


def is_caller_cancellation(error: BaseException) -> bool:
    """Return whether the caller ended the work: an interrupt, or a cancellation of the current task."""
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    # A plugin can raise CancelledError by itself; only `cancelling()` shows a cancellation from outside.
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def contained(work: Callable[[], Awaitable[T]]) -> T:
    """Begin and await work in a task of its own; a task that is cancelled before it runs has begun nothing.

    Raises:
        PluginFault: In place of `SystemExit`, a native panic, or a `CancelledError` without a cancellation.
    """
    try:
        return await work()
    except BaseException as error:
        cancelled = is_caller_cancellation(error)
        if cancelled:
            release(
                error
            )  # frames of task groups and of those that wait for a task refer to their own cancellation
        # asyncio re-raises SystemExit out of the event loop: in a task, a plugin would end the server.
        if isinstance(error, Exception) or cancelled:
            raise
        raise PluginFault(describe(error)) from error


async def from_store(operation: Callable[[], Awaitable[T]]) -> T:
    """Await an operation of a store.

    Raises:
        StoreError: And nothing else; a store that raises something else has a defect, and that is `INTERNAL`.
    """
    try:
        return await operation()
    except StoreError:
        raise
    except RatifyError as error:
        # Not a StoreError, so not the store's contract; reason and remedy are kept as they are true.
        raise StoreError(error.reason, error.message, remedy=error.remedy) from error
    except BaseException as error:
        if is_caller_cancellation(error):
            raise
        raise StoreError(Reason.INTERNAL, f"the store failed: {describe(error)}") from error


async def gather(jobs: Sequence[Callable[[], Awaitable[T]]], most: int) -> list[T]:
    """Return the results of jobs in their order; at most so many run at the same time, and none outlives the call.

    Raises:
        PluginFault: As `contained`; and what the first job that fails raises.
    """
    slots = asyncio.Semaphore(most)

    async def run(job: Callable[[], Awaitable[T]]) -> T:
        """Wait for a slot, then run the job."""
        async with slots:
            return await contained(job)

    tasks = [asyncio.create_task(run(job)) for job in jobs]
    try:
        return [await task for task in tasks]
    finally:
        await end(*tasks)


async def end(*tasks: "asyncio.Future[object] | asyncio.Task[object]") -> None:
    """Cancel tasks and wait for their end, at most a second: one that suppresses its cancellation is abandoned."""
    for task in tasks:
        task.cancel()
        # Before waiting: a task that is abandoned below may still fail later.
        task.add_done_callback(_retrieve)
    pending = [task for task in tasks if not task.done()]
    if pending:
        await asyncio.wait(pending, timeout=_GRACE)


def _retrieve(task: "asyncio.Future[object]") -> None:
    # Else asyncio logs "exception was never retrieved", and a cancelled task keeps the frames that it was cancelled in.
    with suppress(asyncio.CancelledError):
        task.exception()
