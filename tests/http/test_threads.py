"""Blocking work in threads of its own."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from pyratify.http.threads import in_thread


class Panic(BaseException):
    """As native code raises it: no `Exception`."""


async def test_work_is_done_in_a_daemon_thread_of_its_own() -> None:
    """The end of the process does not wait for it."""
    thread = await in_thread("working", threading.current_thread)
    assert (thread.name, thread.daemon) == ("working", True)


@pytest.mark.parametrize("error", [ValueError, Panic, SystemExit])
async def test_whatever_work_raises_reaches_the_caller(error: type[BaseException]) -> None:
    """What ended its thread unsaid would leave the caller waiting for ever."""

    def work() -> None:
        raise error

    done, _ = await asyncio.wait({asyncio.ensure_future(_raised(work))}, timeout=20)
    assert [each.result() for each in done] == [error]


async def _raised(work: Callable[[], None]) -> type[BaseException] | None:
    try:
        await in_thread("working", work)
    except BaseException as error:
        return type(error)
    return None


async def test_a_caller_that_is_cancelled_does_not_wait() -> None:
    """The work goes on, and its outcome is forgotten."""
    go, ended = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(30)
        ended.set()

    waiting = asyncio.ensure_future(in_thread("working", work))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not ended.is_set()
    go.set()
    assert await asyncio.to_thread(ended.wait, 30)
