"""Calls of libraries that block run in threads of their own, few at a time and never for long."""

import asyncio
import threading

import pytest

from pyratify.core.blocking import BlockingCalls


def where(first: str, *, second: str) -> tuple[str, str, str]:
    """Return the name of the thread and what was given."""
    return threading.current_thread().name, first, second


async def test_a_call_gets_its_arguments_in_a_thread_of_its_own_pool() -> None:
    """Not in the pool that parses and hashes, which a service that does not answer would fill."""
    calls = BlockingCalls(10)
    for _ in range(3):
        name, first, second = await calls.run(where, "a", second="b")
        assert name.startswith("blocking")
        assert (first, second) == ("a", "b")


async def test_what_a_call_raises_is_raised() -> None:
    """As from the library itself."""
    with pytest.raises(ZeroDivisionError):
        await BlockingCalls(10).run(divmod, 1, 0)


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    """Its thread goes on until the library ends it."""
    end = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            await BlockingCalls(0.01).run(end.wait, 30)
    finally:
        end.set()


async def test_only_so_many_run_at_the_same_time() -> None:
    """Four unless another number is asked for."""
    for calls, most in ((BlockingCalls(10), 4), (BlockingCalls(10, most=2), 2)):
        # Passed by as many as run together, and by no more: one more waits for its turn.
        together = threading.Barrier(most)
        names = await asyncio.gather(*(calls.run(_meet, together) for _ in range(2 * most)))
        assert len(set(names)) == most


def _meet(together: threading.Barrier) -> str:
    together.wait(10)
    return threading.current_thread().name
