"""Answers in rounds, so that what a client asks for at the same time is seen to be asked for at the same time."""

import threading
import time


class Rounds:
    """Holds answers back until nothing more has been asked for a while; then lets all of them go.

    Args:
        quiet: Seconds without a request that end a round; 0 for no rounds at all.
    """

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._changed = threading.Condition()
        self._round = 0
        self._last = 0.0

    def wait(self, stopping: threading.Event) -> None:
        """Wait for the end of the round in which this is called, or for the event."""
        if not self._quiet:
            return
        with self._changed:
            # Each arrival extends the round, for those that wait already as well.
            mine, self._last = self._round, time.monotonic()
            while self._round == mine and not stopping.is_set():
                # A monotonic clock: a correction of the system's time must not end a round.
                left = self._last + self._quiet - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    self._round += 1
                    self._changed.notify_all()
