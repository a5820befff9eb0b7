"""Objects that the plugins of one engine share."""

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeVar

from pyratify.core.addresses import Destinations
from pyratify.core.caching import ContentCache
from pyratify.core.dataclass import dataclass
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key_source import KeySource
from pyratify.core.telemetry import Observer

T = TypeVar("T")
_MOST = 64


@dataclass(slots=True)
class Allowance:
    """A budget for something scarce; unlimited by default.

    Attributes:
        total: The limit, in the unit of what is spent.
        spent: The amount spent so far.
    """

    total: float = math.inf
    spent: float = 0

    def spend(self, amount: float) -> bool:
        """Spend an amount; return whether the total is not exceeded."""
        self.spent += amount
        return self.spent <= self.total


@dataclass(frozen=True, slots=True)
class Shared:
    """Objects that exist once for each engine.

    Attributes:
        cache: The engine's content cache; content read from it must be checked against its digest.
        observer: Records what only plugins see, as requests to a registry.
        destinations: Bounds the addresses that plugins connect to, whatever their options say; None for no bound. A plugin
            compares every address with them before it connects.
        fingerprint: Collects what verdicts depend on; see `Plugin.traced`.
        expressions: The budget of regular-expression instructions; bounded for a tenant's configuration.
        key_sources: The sources of keys that are read again while the engine is in use.
    """

    cache: ContentCache | None = None
    observer: Observer | None = None
    destinations: Destinations | None = None
    fingerprint: Fingerprint = field(default_factory=Fingerprint, repr=False)
    expressions: Allowance = field(default_factory=Allowance, repr=False)
    key_sources: list[KeySource] = field(default_factory=list, repr=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return the cached object, creating it on first use; beyond 64, the oldest is evicted.

        Args:
            key: Must name the kind of object and everything that it depends on.
            make: Creates it.
        """
        # No lock: nothing is awaited between the look-up and the entry.
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > _MOST:
                del self._made[next(iter(self._made))]
        found: T = self._made[key]
        return found
