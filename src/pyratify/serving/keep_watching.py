"""Watching that restarts: a watch that ended would leave an old configuration or certificate in use for ever."""

import logging
from collections.abc import Callable, Coroutine

from pyratify.core.clock import Clock
from pyratify.core.isolation import describe

_LOG = logging.getLogger("pyratify.serving")
_PAUSE = 5.0


async def watch_on(watch: Callable[[], Coroutine[None, None, None]], clock: Clock, name: str) -> None:
    """Run a watch until cancelled; restart it after a pause where it ends or raises.

    Args:
        watch: The watch, which should do neither.
        clock: The clock of the pause.
        name: The watched thing, for the log.
    """
    while True:
        why = "it ended"
        try:
            await watch()
        except Exception as error:  # noqa: BLE001 - whatever it is, the log says it and it is begun again
            why = describe(error)
        _LOG.error("no longer followed, begun again", extra={"what": name, "error": why})
        # A watch that fails at once must neither fill the log nor keep the event loop busy.
        await clock.sleep(_PAUSE)
