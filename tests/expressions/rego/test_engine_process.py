"""The process of a policy in Rego: each question gets its own answer, or none."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.answer import UNDEFINED
from pyratify.expressions.rego.engine_process import EngineProcess

ECHO = "package pyratify\nvalue := input.a"
# Quick for a small number, without an end for a large one.
WORK = "package pyratify\nvalue := count([1 | some i in numbers.range(1, input.n); some j in numbers.range(1, input.n)])"
ENDLESS = {"n": 50_000}


@pytest.fixture
def echo() -> EngineProcess:
    """Return a process that answers with `a` of its input."""
    return started(ECHO)


@pytest.fixture
def work() -> EngineProcess:
    """Return a process that counts to the square of `n`."""
    return started(WORK)


def started(text: str) -> EngineProcess:
    """Return a process that is there."""
    process = EngineProcess(text, v0=False, query="data.pyratify.value")
    process.start()
    return process


@pytest.mark.parametrize(
    "value", [1, 1.5, 2**70, "ä\u2028\n", None, [None], "null", {}, {"1": True}, "x" * 300_000]
)
async def test_a_value_arrives_as_it_is(echo: EngineProcess, value: Any) -> None:
    """Also what the quick encoder has another way for, and what does not fit into one message of the system."""
    assert echo.ask({"a": value}, 10) == value
    assert await echo.ask_async({"a": value}, 10) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
async def test_a_number_that_is_not_finite_is_refused(echo: EngineProcess, value: float) -> None:
    """An encoder that writes null for it would ask another question."""
    for given in ({"a": value}, {"a": [{"b": value}], "c": None}):
        with pytest.raises(ValueError, match="JSON"):
            echo.ask(given, 10)
        with pytest.raises(ValueError, match="JSON"):
            await echo.ask_async(given, 10)
    assert await echo.ask_async({"a": 1}, 10) == 1


async def test_a_text_that_is_no_unicode_is_an_error_of_the_policy(echo: EngineProcess) -> None:
    """Half of a surrogate pair."""
    for _ in range(2):
        with pytest.raises(EvaluationError, match="could not be evaluated"):
            await echo.ask_async({"a": "\ud800"}, 10)
    assert await echo.ask_async({}, 10) is UNDEFINED


async def test_an_input_that_is_too_large_is_refused_before_it_is_sent(echo: EngineProcess) -> None:
    """With both sizes."""
    with pytest.raises(EvaluationError, match=r"4194\d\d\d bytes, more than the 4194304"):
        await echo.ask_async({"a": "x" * 4 * 1024 * 1024}, 10)
    assert await echo.ask_async({"a": "x" * (4 * 1024 * 1024 - 8)}, 10)


async def test_a_question_needs_no_thread_where_the_process_is_free(
    echo: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way through one takes as long as the evaluation."""
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", _refuse)
    assert [await echo.ask_async({"a": number}, 10) for number in range(3)] == [0, 1, 2]


async def test_questions_at_once_get_their_own_answers(
    echo: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In turn, and without threads that would wait."""
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", _refuse)
    assert await asyncio.gather(*(echo.ask_async({"a": number}, 10) for number in range(50))) == list(
        range(50)
    )


async def test_questions_of_loops_and_threads_at_once_get_their_own_answers(echo: EngineProcess) -> None:
    """Only the first loop has a connection of its own; the others take turns in threads."""

    async def several(first: int) -> list[object]:
        return await asyncio.gather(*(echo.ask_async({"a": first + number}, 10) for number in range(10)))

    def one_by_one(first: int) -> list[object]:
        return [echo.ask({"a": first + number}, 10) for number in range(10)]

    found = await asyncio.gather(
        several(0),
        asyncio.to_thread(asyncio.run, several(10)),
        asyncio.to_thread(one_by_one, 20),
        several(30),
        asyncio.to_thread(asyncio.run, several(40)),
    )
    assert found == [list(range(first, first + 10)) for first in range(0, 50, 10)]


async def test_what_waits_behind_a_late_answer_is_asked_of_the_next_process(work: EngineProcess) -> None:
    """The one that it waited for has ended."""
    late, *others = (
        work.ask_async(values, seconds)
        for values, seconds in ((ENDLESS, 0.5), ({"n": 2}, 10), ({"n": 3}, 10))
    )
    found = await asyncio.gather(late, *others, return_exceptions=True)
    assert isinstance(found[0], EvaluationError)
    assert found[1:] == [4, 9]


async def test_each_question_has_its_own_time(work: EngineProcess) -> None:
    """A shorter one behind a longer one, and the other way round."""
    assert await work.ask_async({"n": 2}, 60) == 4
    with pytest.raises(EvaluationError, match=r"within 0\.2 seconds"):
        await work.ask_async(ENDLESS, 0.2)
    assert await work.ask_async({"n": 2}, 20) == 4
    assert await work.ask_async({"n": 2}, 10) == 4
    assert await work.ask_async({"n": 800}, 30) == 640_000


async def test_a_large_answer_to_a_small_question_arrives_whole() -> None:
    """In parts; and a small one after it."""
    long = started("package pyratify\nvalue := [input.a | some i in numbers.range(1, input.n)]")
    for number in (1, 5_000, 60_000, 2):
        assert await long.ask_async({"a": "b" * 20, "n": number}, 10) == ["b" * 20] * number


async def test_a_late_answer_is_none_and_holds_nothing_up(work: EngineProcess) -> None:
    """The process is ended, what is done beside it goes on, and the next question starts another."""
    late = asyncio.create_task(work.ask_async(ENDLESS, 0.3))
    turns = 0
    while not late.done():
        turns += 1
        await asyncio.sleep(0.01)
    with pytest.raises(EvaluationError, match=r"within 0\.3 seconds"):
        await late
    assert turns > 3
    assert await work.ask_async({"n": 3}, 10) == 9


@pytest.mark.parametrize("turns", [1, 2, 3, 50])
async def test_the_answer_to_a_cancelled_question_answers_no_other(work: EngineProcess, turns: int) -> None:
    """It would come next on the connection; wherever the first one was cancelled."""
    first = asyncio.create_task(work.ask_async({"n": 300}, 10))
    for _ in range(turns):
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await work.ask_async({"n": 2}, 10) == 4


def test_the_answer_to_an_interrupted_question_answers_no_other(work: EngineProcess, alarm: None) -> None:
    """A signal handler may raise in the thread that waits, as that of Ctrl-C does."""
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(KeyboardInterrupt):
        work.ask({"n": 3_000}, 60)
    assert work.ask({"n": 2}, 10) == 4


def test_a_loop_that_ends_with_a_question_leaves_the_process_to_others(work: EngineProcess) -> None:
    """A program may run several loops, one after the other."""

    async def abandon() -> None:
        asyncio.create_task(work.ask_async(ENDLESS, 10))  # noqa: RUF006 - cancelled with its loop
        await asyncio.sleep(0.05)

    asyncio.run(abandon())
    assert asyncio.run(work.ask_async({"n": 2}, 10)) == 4
    assert work.ask({"n": 3}, 10) == 9


async def test_a_process_that_ends_is_no_answer(echo: EngineProcess) -> None:
    """A text that doubles with every step takes all memory."""
    steps = "\n".join(f's{n} := concat("", [s{n - 1}, s{n - 1}])' for n in range(1, 40))
    doubling = started(f"package pyratify\ns0 := input.text\n{steps}\nvalue := count(s39)")
    with pytest.raises(EvaluationError):
        await doubling.ask_async({"text": "x" * 100}, 30)
    assert await echo.ask_async({"a": 1}, 10) == 1


async def test_a_question_does_not_wait_for_ever_for_its_turn(
    work: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked from the thread of the loop that waits for the answer to another one, it would."""
    monkeypatch.setattr("pyratify.expressions.rego.engine_process.START", 0.1)
    first = asyncio.create_task(work.ask_async(ENDLESS, 1))
    await asyncio.sleep(0)
    with pytest.raises(EvaluationError, match="other questions"):
        work.ask({"n": 2}, 0.1)
    with pytest.raises(EvaluationError, match="within 1 seconds"):
        await first


@pytest.fixture
def alarm() -> Iterator[None]:
    """Let the alarm clock of the process raise what Ctrl-C raises."""
    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("a thread was asked for")
