"""Sources of keys that are read again while an engine is in use."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import field

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import describe, gather
from pyratify.core.key import KeyMaterial, SourceUnreachable

_LOG = logging.getLogger("pyratify.keys")
_TIMEOUT = 30.0  # seconds; a service that does not answer must not hold up the watch over everything else
_AT_ONCE = 16  # sources that are read: each may hold a connection and a document
# Seconds; an interval may be hours, and a moment's fault must not last as long. After an outage, in which the keys in use stay,
# less often: a service that does not answer takes the time of all that is watched beside it.
_RETRY, _RETRY_OUTAGE = 15.0, 60.0
Read = Callable[[], Awaitable[tuple[KeyMaterial, ...]]]


@dataclass(slots=True)
class KeySource:
    """What was read from a source, and whether that is still so.

    A source that does not answer changes nothing: the keys in use stay, and their age grows. One that answers that a key is no
    longer to be used has changed. After either it is read again soon, and so it is after a change, until there is an engine with
    what was found.

    Attributes:
        name: The provider, as the configuration calls it.
        interval: Seconds between two reads.
        read: Reads it.
        clock: Measures the interval.
        materials: What was read last and is in use.
        fault: Why the last read failed; empty where it did not.
        outdated: Whether its last answer was anything else than what is in use: other keys, or that they are not to be used.
    """

    name: str
    interval: float
    read: Read
    clock: Clock
    materials: tuple[KeyMaterial, ...]
    fault: str = ""
    outdated: bool = False
    _read_at: float = field(init=False)
    _tried_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._read_at = self._tried_at = self.clock.monotonic()

    @property
    def age(self) -> float:
        """Seconds since what is in use was last found in the source."""
        return self.clock.monotonic() - self._read_at

    async def changed(self) -> bool:
        """Read the source if that is due; return whether there is anything else than what is in use."""
        now = self.clock.monotonic()
        if now - self._tried_at < self._pause():
            return False
        # Before the read: a source that fails is not asked at every tick.
        self._tried_at = now
        try:
            async with asyncio.timeout(_TIMEOUT):
                found = await self.read()
        except Exception as error:  # noqa: BLE001 - a provider is a plugin, and may raise anything
            return self._failed(error)
        self.fault = ""
        self.outdated = _essence(found) != _essence(self.materials)
        if not self.outdated:
            # Only then: what is in use stays as old as it is until an engine is built with what was found.
            self._read_at = now
            return False
        versions = [each.version for each in found if each.version]
        _LOG.info("keys changed", extra={"provider": self.name, "versions": versions, "number": len(found)})
        return True

    def _pause(self) -> float:
        """Return the seconds from the last read to the next one."""
        if self.outdated:
            return min(self.interval, _RETRY)
        return min(self.interval, _RETRY_OUTAGE) if self.fault else self.interval

    def _failed(self, error: Exception) -> bool:
        """Note a fault; return whether it is an answer of the source."""
        before, self.fault = self.fault, describe(error)
        # Once for each fault: it is read every few seconds then.
        if self.fault != before:
            _LOG.warning("keys not read again", extra={"provider": self.name, "error": self.fault})
        # An outage must not end what works, nor take back an earlier answer; a key that was disabled or deleted must not stay
        # trusted unnoticed.
        answered = isinstance(error, ConfigurationError) and not isinstance(error, SourceUnreachable)
        self.outdated = self.outdated or answered
        return answered


def _essence(materials: tuple[KeyMaterial, ...]) -> frozenset[tuple[bytes, str]]:
    # Without their order: a service may list versions in any.
    return frozenset((each.data, repr(each.validity)) for each in materials)


async def any_changed(sources: tuple[KeySource, ...]) -> bool:
    """Return whether one of the sources changed; each one that is due is read."""
    # Side by side: a service that does not answer must not delay the news of the others.
    return any(await gather([source.changed for source in sources], _AT_ONCE))


def any_outdated(sources: tuple[KeySource, ...]) -> bool:
    """Return whether one of the sources has other keys than those in use, or says that they are no longer to be used."""
    return any(source.outdated for source in sources)


def oldest(sources: tuple[KeySource, ...]) -> float:
    """Return the seconds since the source that was not read for the longest time was read; 0 without sources."""
    return max((source.age for source in sources), default=0.0)
