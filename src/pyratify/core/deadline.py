"""Until when an answer is wanted, known to all that is done for it: what cannot be in time is not begun."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pyratify.core.clock import Clock

_DUE: ContextVar[float] = ContextVar("due", default=math.inf)


@contextmanager
def due(moment: float) -> Iterator[None]:
    """Say until when the present task and those that it begins need their answers; it ends nothing.

    A moment that is later than one around it changes nothing.

    Args:
        moment: Monotonic seconds of the engine's clock.
    """
    token = _DUE.set(min(moment, _DUE.get()))
    try:
        yield
    finally:
        _DUE.reset(token)


def time_left(clock: Clock) -> float:
    """Return the seconds until the answer is due; infinity where it never is."""
    return _DUE.get() - clock.monotonic()
