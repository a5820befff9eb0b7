"""The cache in memory, and shared work."""

import asyncio

import pytest

from pyratify.core.caching import ExpiringCache, MemoryCache, SingleFlight
from pyratify.testing.fakes import FakeClock


def test_a_cache_returns_what_it_was_given() -> None:
    """What was put is got; what was not is None."""
    cache = MemoryCache()
    cache.put("a", b"1")
    assert (cache.get("a"), cache.get("b")) == (b"1", None)


def test_a_cache_forgets_what_was_not_used_for_longest() -> None:
    """Reading counts as use, for the number of entries and for their size."""
    cache = MemoryCache(max_bytes=2000, max_entries=2)
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.get("a")
    cache.put("c", b"3")
    assert [cache.get(key) for key in "abc"] == [b"1", None, b"3"]
    cache.put("d", b"x" * 1500)
    assert [cache.get(key) for key in "acd"] == [None, None, b"x" * 1500]


def test_a_cache_counts_a_replaced_entry_once() -> None:
    """Writing the same key again does not use up the space."""
    cache = MemoryCache(max_bytes=2000)
    for _ in range(100):
        cache.put("a", b"x" * 600)
    cache.put("b", b"x" * 400)
    assert cache.get("a") == b"x" * 600


def test_a_cache_refuses_what_is_larger_than_itself() -> None:
    """One huge entry does not push out all others."""
    cache = MemoryCache(max_bytes=1000)
    cache.put("a", b"1")
    cache.put("b", b"x" * 1001)
    assert (cache.get("a"), cache.get("b")) == (b"1", None)


def test_what_is_over_goes_where_others_come() -> None:
    """Not until its place is needed; half of what is kept may be over, and no more."""
    clock = FakeClock()
    cache = ExpiringCache[int](clock, 1_000_000)
    for number in range(1000):
        cache.put(number, number, 10)
        clock.advance(1)
        assert len(cache) <= 25
    assert [cache.get(number) for number in (990, 991, 999)] == [None, 991, 999]


class Work:
    """Work that waits to be let go, and counts its beginnings and its ends."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.running = asyncio.Event()
        self.started = 0
        self.cancelled = 0

    async def __call__(self) -> str:
        """Wait to be let go."""
        self.started += 1
        self.running.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "done"


async def _begin(count: int, flight: SingleFlight[str], work: Work) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(flight.run("key", work)) for _ in range(count)]
    await work.running.wait()
    return tasks


async def test_callers_at_the_same_time_share_one_piece_of_work() -> None:
    """Work runs once for all; afterwards it runs again."""
    flight, work = SingleFlight[str](), Work()
    tasks = await _begin(3, flight, work)
    work.go.set()
    assert await asyncio.gather(*tasks) == ["done"] * 3
    assert await flight.run("key", work) == "done"
    assert work.started == 2


async def test_a_cancelled_caller_ends_nothing_for_the_others() -> None:
    """The first who came may go; the others get their answer."""
    flight, work = SingleFlight[str](), Work()
    first, second = await _begin(2, flight, work)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go.set()
    assert await second == "done"
    assert (work.started, work.cancelled) == (1, 0)


async def test_work_without_waiting_callers_ends() -> None:
    """With the last caller the work is cancelled, and has ended when the caller has."""
    flight, work = SingleFlight[str](), Work()
    tasks = await _begin(2, flight, work)
    for task in tasks:
        task.cancel()
    assert [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    assert work.cancelled == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_comes_while_abandoned_work_ends_begins_anew() -> None:
    """Work that is being cancelled is no answer for a caller that still waits."""
    flight = SingleFlight[str]()
    first, second = Work(), Work()
    second.go.set()
    (task,) = await _begin(1, flight, first)
    task.cancel()
    await asyncio.sleep(0)
    assert await flight.run("key", second) == "done"
    assert (first.cancelled, second.started) == (1, 1)


async def test_all_callers_see_what_the_work_raises_and_later_ones_do_not() -> None:
    """An error is shared by those who waited, and never kept."""
    flight = SingleFlight[str]()
    go = asyncio.Event()

    async def fails() -> str:
        await go.wait()
        raise ValueError("no")

    tasks = [asyncio.create_task(flight.run("key", fails)) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(error) for error in results] == ["no", "no"]
    work = Work()
    work.go.set()
    assert await flight.run("key", work) == "done"


async def test_an_error_is_not_given_to_who_asks_again_at_once() -> None:
    """Who tries again while others are still being told of the failure gets a new attempt."""
    flight = SingleFlight[str]()
    go = asyncio.Event()
    attempts = 0

    async def fails_once() -> str:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            return "done"
        await go.wait()
        raise ValueError("no")

    async def insists() -> str:
        try:
            return await flight.run("key", fails_once)
        except ValueError:
            return await flight.run("key", fails_once)

    tasks = [asyncio.create_task(insists()) for _ in range(3)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*tasks) == ["done"] * 3


async def test_abandoned_work_has_cleaned_up_when_its_last_caller_ends() -> None:
    """A connection that is closed in several steps is closed before the cancellation is passed on."""
    flight = SingleFlight[None]()
    running, steps = asyncio.Event(), 0

    async def closes_slowly() -> None:
        nonlocal steps
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
                steps += 1

    task = asyncio.create_task(flight.run("key", closes_slowly))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == 5


def test_a_sweep_forgets_what_has_expired_and_its_weight() -> None:
    """And nothing else, so that what is not asked for again holds no memory."""
    clock = FakeClock()
    cache = ExpiringCache[str](clock, 10)
    cache.put("a", "short", 1, 4)
    cache.put("b", "long", 60, 4)
    clock.advance(2)
    cache.sweep()
    assert (len(cache), cache.get("b")) == (1, "long")
    cache.put("c", "new", 60, 6)
    assert cache.get("b") == "long"
