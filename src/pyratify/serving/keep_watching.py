"""Following that does not end: whoever stopped to look at a configuration or a certificate would serve an old one for ever."""

import logging
from collections.abc import Callable, Coroutine

from pyratify.core.clock import Clock
from pyratify.core.isolation import describe

_LOG = logging.getLogger("pyratify.serving")
_PAUSE = 5.0


async def watch_on(watch: Callable[[], Coroutine[None, None, None]], clock: Clock, name: str) -> None:
    """Follow until cancelled, and begin again after a pause where following ended by itself.

    Args:
        watch: Follows; it should not end, nor raise.
        clock: The clock.
        name: What is followed, for the log.
    """
    while True:
        why = "it ended"
        try:
            await watch()
        except Exception as error:  # noqa: BLE001 - whatever it is, the log says it and it is begun again
            why = describe(error)
        _LOG.error("no longer followed, begun again", extra={"what": name, "error": why})
        await clock.sleep(_PAUSE)
