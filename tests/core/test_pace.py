"""The estimate of how long work takes, and what follows from it for work that waits."""

import math

from pyratify.core.pace import Pace


def _after(*seconds: float) -> Pace:
    """Return the pace after pieces that took so long, one after another."""
    pace, now = Pace(), 0.0
    for number, each in enumerate(seconds):
        pace.begin(number, now)
        now += each
        pace.end(number, now)
    return pace


def test_the_first_piece_is_the_estimate_and_later_ones_move_it_a_fifth() -> None:
    """One slow exchange among fast ones does not have all others refused."""
    assert _after(2.0).seconds(0) == 2.0
    assert math.isclose(_after(2.0, 7.0).seconds(0), 3.0)


def test_a_piece_that_hangs_is_the_estimate() -> None:
    """What has run for ten seconds says more than an average of one; the oldest one counts."""
    pace = _after(1.0)
    pace.begin("old", 100.0)
    pace.begin("new", 109.0)
    assert pace.seconds(110.0) == 10.0
    pace.end("old", 110.0)
    assert math.isclose(pace.seconds(110.0), 2.8)


def test_what_waits_behind_others_needs_their_time_too() -> None:
    """With two at a time, and three before it, it needs its own two seconds and four until its turn."""
    pace = _after(2.0)
    assert pace.is_late(0, 6.0, waiting=3, limit=2)
    assert not pace.is_late(0, 6.1, waiting=3, limit=2)


def test_a_turn_is_waited_for_while_there_is_time_for_the_work_after_it() -> None:
    """For ever, where nothing is due."""
    pace = _after(2.0)
    wait = pace.longest_wait(0, 12.0)
    assert wait is not None
    assert math.isclose(wait, 9.0)
    assert pace.longest_wait(0, math.inf) is None
    assert not pace.is_late(0, math.inf, waiting=10**6, limit=1)
