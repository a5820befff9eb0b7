"""What a server does for its memory: sweeps, collections away from requests, and what that costs later ones."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from pyratify.serving.housekeeping import Housekeeping, Intervals, give_back, keep_small
from pyratify.serving.http.activity import Activity
from pyratify.testing.fakes import FakeClock


class YieldingClock(FakeClock):
    """A clock on which others go on while one sleeps."""

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass, after the others."""
        await asyncio.sleep(0)
        await super().sleep(seconds)


class Ring:
    """An object that refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def ring() -> "weakref.ref[Ring]":
    """Return whether a ring is still there; nothing else refers to it."""
    return weakref.ref(Ring())


@pytest.fixture
def collector() -> Iterator[None]:
    """Leave the collector as it was, and keep it from beginning by itself."""
    before, enabled = gc.get_threshold(), gc.isenabled()
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    if enabled:
        gc.enable()


@pytest.mark.usefixtures("collector")
async def test_garbage_is_collected_while_no_request_is_under_way() -> None:
    """After an answer, not in the middle of one; while requests never end, after the longest interval."""
    clock, activity = FakeClock(), Activity()
    keeper = Housekeeping(clock, activity, intervals=Intervals(collect=30, whole=1000, trim=1000))
    await keeper.look()
    activity.under_way, activity.answered = 1, 1
    garbage = ring()
    clock.advance(29)
    await keeper.look()
    assert garbage() is not None
    activity.under_way = 0
    await keeper.look()
    assert garbage() is None
    activity.under_way, garbage = 1, ring()
    clock.advance(31)
    await keeper.look()
    assert garbage() is None


@pytest.mark.usefixtures("collector")
async def test_nothing_is_collected_where_nothing_was_answered() -> None:
    """A server that is not asked does not work."""
    clock = FakeClock()
    keeper = Housekeeping(clock, Activity())
    await keeper.look()
    garbage = ring()
    await keeper.look()
    assert garbage() is not None


@pytest.mark.usefixtures("collector")
async def test_a_collection_looks_only_at_what_is_new() -> None:
    """What lives on is frozen; it is freed with its last reference, and cycles by a whole collection."""
    clock, activity = FakeClock(), Activity()
    keeper = Housekeeping(clock, activity, intervals=Intervals(collect=30, whole=100, trim=1000))
    held, plain = Ring(), [Activity()]
    cycle, single = weakref.ref(held), len(gc.get_objects())
    await keeper.look()
    assert len(gc.get_objects()) < single / 2
    assert gc.get_freeze_count() > single / 2
    del held, plain
    activity.answered += 1
    await keeper.look()
    assert cycle() is not None
    clock.advance(101)
    activity.answered += 1
    await keeper.look()
    assert cycle() is None


@pytest.mark.usefixtures("collector")
async def test_everything_that_expires_is_swept_again_and_again() -> None:
    """Every second, whether there are requests or not; and a server that ends leaves the collector as it was."""
    swept: list[float] = []
    clock, before = YieldingClock(), gc.get_threshold()
    keeper = Housekeeping(clock, Activity(under_way=1), (lambda: swept.append(clock.monotonic()),))
    watching = asyncio.create_task(keeper.watch())
    while len(swept) < 3:  # noqa: ASYNC110 - it has no event for this
        await asyncio.sleep(0)
    assert gc.get_threshold() != before
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    assert clock.slept[:3] == [1.0, 1.0, 1.0]


@pytest.mark.usefixtures("collector")
async def test_memory_is_given_back_sooner_while_no_request_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes its time; and where the C library cannot do it, nothing is done."""
    given: list[bool] = []
    monkeypatch.setattr("pyratify.serving.housekeeping.give_back", lambda: given.append(True))
    clock, activity = FakeClock(), Activity(under_way=1)
    keeper = Housekeeping(clock, activity)
    clock.advance(31)
    await keeper.look()
    assert given == []
    activity.under_way = 0
    await keeper.look()
    await keeper.look()
    assert given == [True]
    activity.under_way = 1
    clock.advance(61)
    await keeper.look()
    assert given == [True, True]


def test_memory_is_tuned_where_the_library_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """With glibc's numbers; another library is left alone."""
    asked: list[tuple[int, int]] = []

    class Library:
        @staticmethod
        def mallopt(option: int, value: int) -> None:
            """Note what is asked for."""
            asked.append((option, value))

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library)
    keep_small()
    assert dict(asked) == {-3: 256 * 1024, -1: 1024 * 1024, -8: 2}
    give_back()
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    keep_small()
    give_back()
