"""The deadline of the present task: work that could not end before it is not started."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pyratify.core.clock import Clock

_DUE: ContextVar[float] = ContextVar("due", default=math.inf)


@contextmanager
def due(moment: float) -> Iterator[None]:
    """Set the deadline of the present task and of tasks that it starts; it cancels nothing.

    A deadline that is later than an enclosing one has no effect.

    Args:
        moment: Monotonic seconds of the engine's clock.
    """
    # The minimum: an inner time-out cannot prolong what a server has promised.
    token = _DUE.set(min(moment, _DUE.get()))
    try:
        yield
    finally:
        _DUE.reset(token)


def time_left(clock: Clock) -> float:
    """Return the seconds until the deadline; infinity where there is none."""
    return _DUE.get() - clock.monotonic()
