"""Concurrent evaluation with one deadline."""

import asyncio

import pytest

from pyratify.serving.deadline_group import DeadlineGroup, evaluation_seconds, late_after
from support.providers import BellClock


def late(question: str) -> str:
    """Say that it was late."""
    return f"{question} was late"


async def test_equal_questions_are_asked_once_and_late_ones_are_said_to_be() -> None:
    """What has an answer when the bell rings keeps it."""
    clock, asked = BellClock(), []
    group = DeadlineGroup(clock)

    async def answer(question: str) -> str:
        asked.append(question)
        if question == "slow":
            clock.bell.set()
            await asyncio.Event().wait()
        return question.upper()

    found = await group.each(("a", "slow", "a"), answer, late, 2.5)
    await group.aclose()
    assert found == {"a": "A", "slow": "slow was late"}
    assert (asked, clock.slept) == (["a", "slow"], [evaluation_seconds(2.5)])


async def test_no_question_is_no_answer() -> None:
    """And no task waits for the deadline."""
    assert await DeadlineGroup(BellClock()).each((), str, late, 1) == {}  # type: ignore[arg-type]


async def test_who_stops_asking_leaves_nothing_behind() -> None:
    """A question that was under way is ended."""
    group = DeadlineGroup(BellClock())
    began, ended = asyncio.Event(), asyncio.Event()

    async def answer(question: str) -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return question

    asking = asyncio.create_task(group.each(("a",), answer, late, 1))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await group.aclose()
    assert ended.is_set()


@pytest.mark.parametrize(("seconds", "margin"), [(4.9, 0.245), (1.95, 0.0975), (29.9, 0.25), (0.1, 0.005)])
def test_time_is_left_to_render_the_answer(seconds: float, margin: float) -> None:
    """Evaluation ends before the answer has to leave, and a late key says after how long it was given up."""
    assert seconds - evaluation_seconds(seconds) == pytest.approx(margin)
    assert f"within {round(seconds - margin, 2):g} seconds" in late_after(seconds).message
