"""Sources of keys that are read again while an engine is in use."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pyratify.core.clock import Clock
from pyratify.core.isolation import describe
from pyratify.core.key import KeyMaterial

_LOG = logging.getLogger("pyratify.keys")
_TIMEOUT = 30.0  # seconds; a service that does not answer must not hold up the watch over everything else
Read = Callable[[], Awaitable[tuple[KeyMaterial, ...]]]


@dataclass(slots=True)
class KeySource:
    """What was read from a source, and whether that is still so.

    A source that cannot be read changes nothing: the keys in use stay, and their age grows.

    Attributes:
        name: The provider, as the configuration calls it.
        interval: Seconds between two reads.
        read: Reads it.
        clock: Measures the interval.
        materials: What was read last and is in use.
        fault: Why the last read failed; empty where it did not.
    """

    name: str
    interval: float
    read: Read
    clock: Clock
    materials: tuple[KeyMaterial, ...]
    fault: str = ""
    _read_at: float = field(init=False)
    _tried_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._read_at = self._tried_at = self.clock.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the source was last read with success."""
        return self.clock.monotonic() - self._read_at

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions in use, where the source numbers them."""
        return tuple(each.version for each in self.materials if each.version)

    async def changed(self) -> bool:
        """Read the source if that is due; return whether there is anything else than what is in use."""
        now = self.clock.monotonic()
        if now - self._tried_at < self.interval:
            return False
        # Before the read: a source that fails is asked at its interval, and not at every tick.
        self._tried_at = now
        try:
            async with asyncio.timeout(_TIMEOUT):
                found = await self.read()
        except Exception as error:  # noqa: BLE001 - a provider is a plugin; its keys in use stay whatever it raises
            self.fault = describe(error)
            _LOG.warning("keys not read again", extra={"provider": self.name, "error": self.fault})
            return False
        self.fault, self._read_at = "", now
        if _essence(found) == _essence(self.materials):
            return False
        versions = [each.version for each in found if each.version]
        _LOG.info("keys changed", extra={"provider": self.name, "versions": versions, "number": len(found)})
        return True


def _essence(materials: tuple[KeyMaterial, ...]) -> frozenset[tuple[bytes, str]]:
    # Without their order: a service may list versions in any.
    return frozenset((each.data, repr(each.validity)) for each in materials)


async def any_changed(sources: tuple[KeySource, ...]) -> bool:
    """Return whether one of the sources changed; each one that is due is read."""
    # A list: a generator would stop at the first one and leave the others unread.
    return any([await source.changed() for source in sources])


def oldest(sources: tuple[KeySource, ...]) -> float:
    """Return the seconds since the source that was not read for the longest time was read; 0 without sources."""
    return max((source.age for source in sources), default=0.0)
