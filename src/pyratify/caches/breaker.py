"""A circuit breaker: after several failures in a row it permits one attempt per back-off period."""

from pyratify.core.clock import Clock


class Breaker:
    """Counts failures and decides whether the next attempt may be made.

    Args:
        clock: Whose monotonic time counts.
        failures: The failures in a row that open it.
        seconds: The first back-off; doubled after every further failure.
        most: The longest back-off in seconds.
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
        """Whether attempts are held back."""
        return self._failed >= self._allowed

    def permits(self) -> bool:
        """Return whether an attempt may be made now; while open, one per back-off period."""
        if not self.is_open:
            return True
        if self._clock.monotonic() < self._until:
            return False
        # Set before the attempt ends, so that concurrent callers do not attempt it too.
        self._until = self._clock.monotonic() + self._back_off()
        return True

    def succeeded(self) -> None:
        """Record a success, which closes it."""
        self._failed = 0

    def failed(self) -> None:
        """Record a failure."""
        self._failed += 1
        if self.is_open:
            self._until = self._clock.monotonic() + self._back_off()

    def _back_off(self) -> float:
        # 2.0**1024 raises OverflowError, and failures are counted without a bound.
        doublings = min(self._failed - self._allowed, 16)
        return min(self._most, self._first * 2.0**doublings)
