"""How long work takes, estimated from what came before it: the basis for refusing early what could not end in time."""

import math
from dataclasses import field

from pyratify.core.dataclass import dataclass

_SMOOTHING = 0.2  # weight of the latest duration in the moving average
_WAIT_PART = 0.9  # of the time in which a turn would have to come


@dataclass(slots=True)
class Pace:
    """The pieces of work that share one limit: those under way, and how long the others took.

    Attributes:
        running: The start of each piece under way, oldest first.
        average: Moving average of the seconds that a piece takes.
    """

    running: dict[object, float] = field(default_factory=dict)
    average: float = 0.0

    def begin(self, piece: object, now: float) -> None:
        """Count a piece as under way."""
        self.running[piece] = now

    def end(self, piece: object, now: float) -> None:
        """Count a piece as done, successful or not."""
        seconds = now - self.running.pop(piece)
        # The first duration stands for all; averaged with the initial zero, it would look five times faster.
        self.average += _SMOOTHING * (seconds - self.average) if self.average else seconds

    def seconds(self, now: float) -> float:
        """Return the expected seconds of a piece: the average, or the age of the oldest one under way where that is more."""
        # A registry that hangs ends no work: without the age, its average would stay as good as before.
        return max(self.average, now - next(iter(self.running.values()), now))

    def is_late(self, now: float, left: float, waiting: int, limit: int) -> bool:
        """Return whether one more piece could not end in time.

        Args:
            now: Monotonic seconds.
            left: Seconds in which it has to end.
            waiting: How many pieces wait before it.
            limit: How many are under way at the same time.
        """
        # Own duration, and the rounds of `limit` pieces that go before.
        return self.seconds(now) * (1 + (waiting + 1) / limit) >= left

    def longest_wait(self, now: float, left: float) -> float | None:
        """Return the seconds in which a turn is of use to a piece that has to end in `left` seconds; None for any time."""
        # The rest is kept for the answer itself, so that a refusal arrives before the caller gives up.
        return None if left == math.inf else (left - self.seconds(now)) * _WAIT_PART
