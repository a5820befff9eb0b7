"""Large content in memory at the same time is bounded, in order, and small content never waits."""

import asyncio

import pytest

from pyratify.core.inflight import LargeContent
from pyratify.core.offload import LARGE


async def hold(large: LargeContent, size: int, seen: list[int], gate: asyncio.Event | None = None) -> None:
    """Hold that much until told, and note how much is held."""
    async with large.hold(size):
        seen.append(large.held)
        await (gate or asyncio.Event()).wait()


async def settle() -> None:
    """Let tasks go on as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_atk_280_large_documents_hold_no_more_than_their_share() -> None:
    """However many are attached: the rest waits, in order, and what is small or larger than everything goes on."""
    large, gate, seen = LargeContent(10 * LARGE), asyncio.Event(), list[int]()
    tasks = [asyncio.ensure_future(hold(large, 4 * LARGE, seen, gate)) for _ in range(20)]
    tasks.append(asyncio.ensure_future(hold(large, 1000 * LARGE, seen, gate)))
    await settle()
    assert seen == [4 * LARGE, 8 * LARGE]
    async with large.hold(LARGE):
        assert large.held == 8 * LARGE
    gate.set()
    await asyncio.gather(*tasks)
    assert max(seen) == 10 * LARGE
    assert (len(seen), large.held) == (21, 0)


@pytest.mark.parametrize("granted", [False, True])
async def test_what_is_cancelled_holds_nothing(granted: bool) -> None:
    """While it waits, and in the moment in which its turn comes."""
    large, gate = LargeContent(2 * LARGE), asyncio.Event()
    first = asyncio.ensure_future(hold(large, 2 * LARGE, [], gate))
    await settle()
    second = asyncio.ensure_future(hold(large, 2 * LARGE, []))
    await settle()
    if granted:
        gate.set()
        await first
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    async with large.hold(2 * LARGE):
        assert large.held == 2 * LARGE
    assert large.held == 0
