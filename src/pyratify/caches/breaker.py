"""Leaves alone what does not work: after some failures nothing is asked for a while, then one attempt at a time."""

from pyratify.core.clock import Clock


class Breaker:
    """Says whether something is worth a try.

    Args:
        clock: Whose monotonic time counts.
        failures: After how many failures in a row nothing is asked.
        seconds: For how long at first; twice as long after every attempt that fails.
        most: For how long at most.
    """

    def __init__(self, clock: Clock, failures: int = 3, seconds: float = 1.0, most: float = 30.0) -> None:
        self._clock = clock
        self._allowed = failures
        self._first = seconds
        self._most = most
        self._failed = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked at present."""
        return self._failed >= self._allowed

    def permits(self) -> bool:
        """Tell whether to try now; while it is open, the one who is told so is alone for as long as it was open."""
        if not self.is_open:
            return True
        if self._clock.monotonic() < self._until:
            return False
        self._until = self._clock.monotonic() + self._pause()
        return True

    def succeeded(self) -> None:
        """Learn that an attempt succeeded."""
        self._failed = 0

    def failed(self) -> None:
        """Learn that an attempt failed."""
        self._failed += 1
        if self.is_open:
            self._until = self._clock.monotonic() + self._pause()

    def _pause(self) -> float:
        doublings = min(self._failed - self._allowed, 16)
        return min(self._most, self._first * 2.0**doublings)
