"""What the plugins of one engine share, so that each need not have its own."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pyratify.core.addresses import Destinations
from pyratify.core.caching import ContentCache
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.telemetry import Observer

T = TypeVar("T")
_MOST = 64


@dataclass(slots=True)
class Allowance:
    """How much of something scarce may be used in all; without any bound unless one is given.

    Attributes:
        total: How much, in the unit of what it is for.
        spent: How much is used already.
    """

    total: float = math.inf
    spent: float = 0

    def spend(self, amount: float) -> bool:
        """Note that more is used, and tell whether that is still within the total."""
        self.spent += amount
        return self.spent <= self.total


@dataclass(frozen=True, slots=True)
class Shared:
    """Things that are made once for an engine.

    Attributes:
        cache: The engine's content cache; whoever reads from it checks what comes out.
        observer: Watches what plugins do that others cannot see, as exchanges with a registry.
        destinations: Where what plugins connect to may be, whatever their options say; None for no bound. A plugin that connects
            anywhere compares every address with them before it dials.
        fingerprint: Told what verdicts depend on; see `Plugin.traced`.
        expressions: Instructions of compiled regular expressions; bounded for what a tenant wrote.
    """

    cache: ContentCache | None = None
    observer: Observer | None = None
    destinations: Destinations | None = None
    fingerprint: Fingerprint = field(default_factory=Fingerprint, repr=False)
    expressions: Allowance = field(default_factory=Allowance, repr=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return the thing of that key; the first who asks makes it. Of very many those made first are not shared any more.

        Args:
            key: Names the kind of thing, and everything that it depends on.
            make: Makes it.
        """
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > _MOST:
                del self._made[next(iter(self._made))]
        found: T = self._made[key]
        return found
