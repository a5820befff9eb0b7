"""Bodies: what they may hold, and where they are parsed."""

import threading

import pytest

from pyratify.serving.http.bodies import SMALL, BodyBudget, Parsing


@pytest.mark.parametrize(("size", "beside"), [(SMALL, False), (SMALL + 1, True)])
async def test_atk_284_a_large_body_is_parsed_beside_the_event_loop(size: int, beside: bool) -> None:
    """In a thread, in which it delays no other request; small ones are not worth it."""
    where = await Parsing().parse(lambda body: threading.current_thread(), b" " * size)
    assert (where is not threading.current_thread()) is beside


async def test_what_parsing_raises_comes_out() -> None:
    """From a thread too."""

    def fails(body: bytes) -> None:
        raise ValueError(len(body))

    for size in (1, SMALL + 1):
        with pytest.raises(ValueError, match=str(size)):
            await Parsing().parse(fails, b" " * size)


def test_a_quarter_of_the_budget_is_for_small_bodies() -> None:
    """However many large ones there are; and all is given back."""
    budget = BodyBudget(16 * SMALL)
    with budget.room() as large, budget.room() as small, budget.room() as other:
        assert large.grow(12 * SMALL)
        assert not other.grow(SMALL + 1)
        assert small.grow(SMALL)
        assert not small.grow(1)
    assert (budget.held, budget.refused) == (0, 2)
