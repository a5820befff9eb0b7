"""Work beside the event loop."""

import asyncio
import sys
import threading
from contextvars import ContextVar

import pytest

from pyratify.core.large_documents import Lease
from pyratify.core.offload import LARGE, await_process, give_way, offload

WHO = ContextVar("who", default="unset")


def where(name: str, *, suffix: str = "") -> tuple[str, str, str]:
    """Return the arguments, the thread and what the context says."""
    return name + suffix, threading.current_thread().name, WHO.get()


async def test_small_work_is_done_at_once() -> None:
    """Up to the bound, in the caller's own thread."""
    here = threading.current_thread().name
    assert await offload(LARGE, where, "a", suffix="b") == ("ab", here, "unset")


async def test_large_work_is_done_in_a_thread_with_the_caller_s_context() -> None:
    """So that its traces keep their context; one thread does it all."""
    WHO.set("caller")
    found = await asyncio.gather(*(offload(LARGE + 1, where, "a", suffix="b") for _ in range(20)))
    assert {(said, who) for said, _, who in found} == {("ab", "caller")}
    names = {name for _, name, _ in found}
    assert names == {"pyratify-documents_0"}


async def test_one_large_document_is_worked_on_at_a_time() -> None:
    """Two would compete with the event loop for the interpreter, and be done no sooner."""
    go = threading.Event()
    waiting = [asyncio.create_task(offload(LARGE + 1, go.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    # A pool starts its threads with the work that is given to it.
    working = [each for each in threading.enumerate() if each.name.startswith("pyratify-documents")]
    go.set()
    await asyncio.gather(*waiting)
    assert len(working) == 1


async def test_what_waits_for_a_process_holds_no_document_up() -> None:
    """It has threads of its own, with the caller's context, and raises what it raises."""
    WHO.set("caller")
    go = threading.Event()
    waiting = [asyncio.create_task(await_process(go.wait, 10)) for _ in range(3)]
    assert (await offload(LARGE + 1, where, "a"))[1].startswith("pyratify-documents")
    assert (await await_process(where, "a", suffix="b"))[::2] == ("ab", "caller")
    go.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    with pytest.raises(ZeroDivisionError):
        await await_process(divmod, 1, 0)


async def test_long_work_gives_way_in_its_own_thread_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the event loop, where there is nothing to give way to, it would hold up everything."""
    pauses: list[float] = []
    monkeypatch.setattr("pyratify.core.offload.sleep", pauses.append)
    await offload(LARGE, give_way)
    assert pauses == []
    await offload(LARGE + 1, give_way)
    assert len(pauses) == 1
    assert 0 < pauses[0] < 0.001


async def test_the_interpreter_s_switch_interval_is_the_program_s_own() -> None:
    """A library changes no setting of the whole process."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    try:
        await offload(LARGE + 1, where, "a")
        assert sys.getswitchinterval() == pytest.approx(0.004)
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("size", [0, LARGE + 1])
async def test_what_work_raises_is_raised(size: int) -> None:
    """As it is, from either place."""

    def fails() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await offload(size, fails)


async def test_who_is_cancelled_gives_no_work_to_the_threads_any_more() -> None:
    """What has not begun yet never does."""
    go, begun = threading.Event(), []
    busy = [asyncio.create_task(offload(LARGE + 1, go.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(offload(LARGE + 1, begun.append, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    await asyncio.gather(*busy)
    assert begun == []


async def test_a_place_is_taken_once_and_given_back_once() -> None:
    """Whatever is read, and however often; nothing is taken for what is small."""
    places = asyncio.Semaphore(1)
    first, second = Lease(places), Lease(places)
    await first.take(LARGE)
    assert not places.locked()
    await asyncio.gather(first.take(LARGE + 1), first.take(LARGE + 1))
    assert places.locked()
    other = asyncio.create_task(second.take(LARGE + 1))
    await asyncio.sleep(0)
    assert not other.done()
    first.release()
    first.release()
    await other
    assert places.locked()
    second.release()
    assert not places.locked()
