"""Work within bounds: shares of registries, turns, and early refusals."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from pyratify.core.deadline import due
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.work_limiter import WorkLimiter, WorkLimits, one_request
from pyratify.testing.fakes import FakeClock


async def fill(limiter: WorkLimiter, registry: str, count: int, stack: AsyncExitStack) -> None:
    """Occupy that many places."""
    for _ in range(count):
        await stack.enter_async_context(limiter.work(registry))


async def settle() -> None:
    """Let tasks go on as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def once(limiter: WorkLimiter, registry: str = "slow") -> str:
    """Work for a moment."""
    async with limiter.work(registry):
        return registry


async def test_a_registry_occupies_its_own_share_only() -> None:
    """Where one has all that it may have, another goes on at once."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(total=100, registry=2))
    async with AsyncExitStack() as stack:
        await fill(limiter, "slow", 2, stack)
        waits = asyncio.ensure_future(once(limiter))
        await settle()
        assert (waits.done(), limiter.waiting) == (False, 1)
        assert await once(limiter, "healthy") == "healthy"
        assert not waits.done()
    assert await waits == "slow"
    assert limiter.waiting == 0


async def test_turns_come_in_order() -> None:
    """What came first goes on first, and never more at once than allowed."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(registry=1))
    order: list[int] = []
    most = 0

    async def each(number: int) -> None:
        nonlocal most
        async with limiter.work("r"):
            most = max(most, len(order) - number + 1)
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(each(number) for number in range(20)))
    assert (order, most) == (list(range(20)), 1)


@pytest.mark.parametrize(("left", "refused"), [(10.0, False), (2.0, True), (1.0, True)])
async def test_what_cannot_end_in_time_is_refused_at_once(left: float, refused: bool) -> None:
    """Where the registry's work takes a second, and as much again until a turn comes."""
    clock = FakeClock()
    limiter = WorkLimiter(clock, WorkLimits(registry=1))
    async with limiter.work("slow"):
        clock.advance(1)
    async with AsyncExitStack() as stack:
        await fill(limiter, "slow", 1, stack)
        clock.advance(1)
        with due(clock.monotonic() + left):
            waits = asyncio.ensure_future(once(limiter))
        await settle()
        assert waits.done() is refused
    if refused:
        with pytest.raises(StoreError, match=r"1 images of slow .* at 1\.0 seconds each") as caught:
            await waits
        assert caught.value.reason is Reason.REGISTRY_BUSY
        assert limiter.refused == 1
    else:
        assert await waits == "slow"


async def test_a_request_has_half_of_what_a_registry_may_have() -> None:
    """So that one request with many slow keys leaves room for the next, at the same registry."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(registry=4))
    gate, running = asyncio.Event(), 0

    async def key() -> None:
        nonlocal running
        async with limiter.work("slow"):
            running += 1
            await gate.wait()

    with one_request():
        keys = [asyncio.ensure_future(key()) for _ in range(10)]
    await settle()
    assert (running, limiter.waiting) == (2, 8)
    with one_request():
        assert await once(limiter) == "slow"
    gate.set()
    await asyncio.gather(*keys)
    assert (running, limiter.waiting) == (10, 0)


async def test_a_queue_is_bounded() -> None:
    """One more is refused, whatever time there is."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(registry=1, waiting=1))
    async with AsyncExitStack() as stack:
        await fill(limiter, "slow", 1, stack)
        waits = asyncio.ensure_future(once(limiter))
        await settle()
        with pytest.raises(StoreError) as caught:
            await once(limiter)
        assert caught.value.reason is Reason.REGISTRY_BUSY
    await waits


async def test_a_turn_that_does_not_come_is_refused_before_the_deadline() -> None:
    """So that the answer says why, and not only that it is late."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(registry=1))
    async with limiter.work("slow"):
        with due(0.001), pytest.raises(StoreError) as caught:
            await once(limiter)
        assert (caught.value.reason, limiter.waiting) == (Reason.REGISTRY_BUSY, 0)


async def test_all_registries_together_are_bounded() -> None:
    """The last quarter is for those that have little under way, and then there is no more."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(total=8, registry=6))
    async with AsyncExitStack() as stack:
        await fill(limiter, "a", 6, stack)
        await fill(limiter, "b", 1, stack)
        with due(0.001), pytest.raises(StoreError) as caught:
            await fill(limiter, "b", 1, stack)
        assert caught.value.reason is Reason.BUSY
        await fill(limiter, "c", 1, stack)
        with due(0.001), pytest.raises(StoreError) as caught:
            await fill(limiter, "d", 1, stack)
        assert caught.value.reason is Reason.BUSY
        waits = [asyncio.ensure_future(once(limiter, name)) for name in ("b", "d")]
        await settle()
    assert await asyncio.gather(*waits) == ["b", "d"]


@pytest.mark.parametrize("granted", [False, True])
async def test_a_caller_that_is_cancelled_gives_its_turn_back(granted: bool) -> None:
    """While it waits, and in the moment in which its turn comes."""
    limiter = WorkLimiter(FakeClock(), WorkLimits(registry=1))
    async with AsyncExitStack() as stack:
        await fill(limiter, "slow", 1, stack)
        waits = asyncio.ensure_future(once(limiter))
        await settle()
        if not granted:
            waits.cancel()
            await settle()
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    assert await once(limiter) == "slow"
    assert (limiter.waiting, limiter.refused) == (0, 0)


def test_limits_are_at_least_one() -> None:
    """With less nothing would ever be answered."""
    with pytest.raises(ConfigurationError):
        WorkLimits(registry=0)


async def test_a_turn_that_is_given_as_the_wait_ends_is_not_lost() -> None:
    """Its time-out and the turn come in one round of the event loop; it is taken, and given back."""
    clock = FakeClock()
    limiter = WorkLimiter(clock, WorkLimits(registry=1))
    async with limiter.work("slow"):
        with due(clock.monotonic() + 1e-9):
            waits = asyncio.ensure_future(once(limiter))
        await asyncio.sleep(0)  # it waits now, and its time is over, which it learns after this task
    async with asyncio.timeout(5):
        assert await waits == "slow"
        assert await once(limiter) == "slow"
    assert limiter.waiting == 0


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_refused_work_leaves_nothing_behind(seconds: float) -> None:
    """Requests choose the names of registries: a name whose work is refused, at once or after a wait, is forgotten."""
    clock = FakeClock()
    limiter = WorkLimiter(clock, WorkLimits(total=1))
    async with limiter.work("busy"):
        for number in range(3):
            with due(clock.monotonic() + seconds), pytest.raises(StoreError):
                await once(limiter, f"registry-{number}.example")
        assert limiter.registries == 1
    assert limiter.registries == 0
