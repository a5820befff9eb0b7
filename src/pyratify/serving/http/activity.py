"""What a server shares with what looks after it: how busy it is, and which clients never got to ask."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import field
from time import monotonic

from pyratify.core.dataclass import dataclass
from pyratify.serving.http.bodies import BodyBudget

_LOG = logging.getLogger("pyratify.serving")
_PAUSE = 10.0


@dataclass(slots=True)
class Activity:
    """How busy a server is.

    Attributes:
        under_way: How many requests are being answered.
        answered: How many have been.
    """

    under_way: int = 0
    answered: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether no request is being answered."""
        return self.under_way == 0


@dataclass(slots=True)
class RefusedClients:
    """Clients that were refused before they could ask: counted, and logged with why, each kind once in ten seconds.

    Attributes:
        now: Returns monotonic seconds.
        counts: How many, by kind.
    """

    now: Callable[[], float] = monotonic
    counts: Counter[str] = field(default_factory=Counter)
    _said: dict[str, tuple[float, int]] = field(default_factory=dict)

    def note(self, kind: str, why: str) -> None:
        """Count a client that was refused.

        Args:
            kind: One word of a small fixed set.
            why: One sentence.
        """
        self.counts[kind] += 1
        when, before = self._said.get(kind, (float("-inf"), 0))
        # A client that tries again and again must not fill the log.
        if self.now() - when < _PAUSE:
            return
        count = self.counts[kind]
        self._said[kind] = self.now(), count
        _LOG.warning("client refused", extra={"kind": kind, "error": why, "count": count - before})


@dataclass(frozen=True, slots=True)
class Watch:
    """What several listeners of a server share.

    Attributes:
        activity: How busy they are.
        bodies: What their requests' bodies may hold.
        refused: Clients that never got to ask.
        names: What a client's certificate is called, one of them; empty where any of the authority will do.
    """

    activity: Activity = field(default_factory=Activity)
    bodies: BodyBudget = field(default_factory=BodyBudget)
    refused: RefusedClients = field(default_factory=RefusedClients)
    names: frozenset[str] = frozenset()
