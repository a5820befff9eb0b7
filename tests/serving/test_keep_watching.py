"""Following that does not end."""

import asyncio
import logging

import pytest

from pyratify.serving.keep_watching import watch_on
from pyratify.testing.fakes import FakeClock


async def test_what_ends_by_itself_is_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    """After an error, a group of errors and an end without any; the log says what and why, and a cancellation ends it."""
    clock, began, last = FakeClock(), list[float](), asyncio.Event()
    ends = [ValueError("a defect"), ExceptionGroup("two", [OSError("x"), KeyError("y")]), None]

    async def watch() -> None:
        began.append(clock.monotonic())
        if len(began) > len(ends):
            last.set()
            await asyncio.Event().wait()
        error = ends[len(began) - 1]
        if error is not None:
            raise error

    with caplog.at_level(logging.ERROR, "pyratify.serving"):
        task = asyncio.create_task(watch_on(watch, clock, "things"))
        await asyncio.wait_for(last.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert began == [0, 5, 10, 15]
    said = [(record.what, record.error) for record in caplog.records]
    assert [what for what, _ in said] == ["things"] * 3
    assert said[0][1] == "ValueError: a defect"
    assert said[2][1] == "it ended"
