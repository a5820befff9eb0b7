"""Turns of one origin's requests: bounded, in order, and refused early where they could not end in time."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.http.connection_limiter import ConnectionLimiter
from pyratify.http.transport import Request
from pyratify.http.url import Url
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import Fault, RegistrySimulator
from support.registries import executor, open_store, sign


def _request(host: str = "slow.example", patience: float = 5.0) -> Request:
    return Request(Url.parse(f"https://{host}/v2/"), 100, patience=patience)


async def test_atk_289_what_could_not_end_in_time_is_refused_at_once() -> None:
    """The one that is under way has taken ten seconds already; five are left."""
    clock = FakeClock()
    limiter = ConnectionLimiter(1, clock.monotonic)
    async with limiter.slot(_request()):
        clock.advance(10)
        with pytest.raises(StoreError) as caught:
            async with limiter.slot(_request()):
                pass
    assert caught.value.reason is Reason.REGISTRY_BUSY
    assert "1 requests to slow.example are under way" in caught.value.message
    assert "maxConnections" in caught.value.remedy


async def test_atk_289_a_queue_that_is_too_long_is_refused_at_once() -> None:
    """At two seconds each and one at a time, the first that waits may end within five seconds, the second cannot."""
    clock = FakeClock()
    limiter = ConnectionLimiter(1, clock.monotonic)

    async def ask() -> None:
        async with limiter.slot(_request()):
            pass

    async with limiter.slot(_request()):
        clock.advance(2)
        first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
        for _ in range(5):
            await asyncio.sleep(0)
        assert (first.done(), second.done()) == (False, True)
    await first
    with pytest.raises(StoreError) as caught:
        await second
    assert caught.value.reason is Reason.REGISTRY_BUSY


async def test_atk_289_another_origin_is_not_held_up() -> None:
    """Each has its own turns."""
    clock = FakeClock()
    limiter = ConnectionLimiter(1, clock.monotonic)
    async with limiter.slot(_request()):
        clock.advance(10)
        async with limiter.slot(_request("healthy.example", patience=0.1)):
            pass


async def test_a_free_turn_is_never_refused() -> None:
    """However slow the last exchange was: nothing else says how long this one takes."""
    clock = FakeClock()
    limiter = ConnectionLimiter(2, clock.monotonic)
    async with limiter.slot(_request()):
        async with limiter.slot(_request()):
            clock.advance(100)
        async with limiter.slot(_request(patience=0.1)):
            pass


async def test_turns_are_given_in_order() -> None:
    """And one that is cancelled while it waits takes none."""
    limiter, order = ConnectionLimiter(1, FakeClock().monotonic), []

    async def work(name: str) -> None:
        async with limiter.slot(_request()):
            order.append(name)

    async with limiter.slot(_request()):
        tasks = [asyncio.create_task(work(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a", "c", "d"]


async def test_a_turn_that_does_not_come_is_refused_before_the_answer_is_due() -> None:
    """As busy, and not as a time-out of the registry."""
    limiter = ConnectionLimiter(1, FakeClock().monotonic)
    async with limiter.slot(_request()):
        with pytest.raises(StoreError) as caught:
            async with limiter.slot(_request(patience=0.02)):
                pass
    assert caught.value.reason is Reason.REGISTRY_BUSY


async def test_the_limit_is_that_of_the_options_and_every_turn_comes_back() -> None:
    """Also those of exchanges that fail."""
    clock = FakeClock()
    limiter = ConnectionLimiter(3, clock.monotonic)
    for _ in range(5):
        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(limiter.slot(_request()))
            clock.advance(9)
            with pytest.raises(StoreError):
                await stack.enter_async_context(limiter.slot(_request()))


async def test_evidence_behind_a_busy_registry_leaves_the_question_open() -> None:
    """A denial for want of it is an error that may be asked again."""
    with RegistrySimulator() as registry:
        memory = registry.repository("app")
        sign(memory, memory.add_image("v1"))
        registry.fault(Fault(path="/blobs/", status=500))

        async with open_store() as store:

            async def busy(*_: object) -> bytes:
                raise StoreError(Reason.REGISTRY_BUSY, "too much is under way")

            store.fetch_blob = busy  # type: ignore[method-assign]
            result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_BUSY
