"""What registries can do, as their answers have shown lately; everything is forgotten after minutes."""

from collections import OrderedDict
from collections.abc import Hashable

from pyratify.core.clock import Clock
from pyratify.core.digest import Digest

LIFETIME = 300.0
_MAX_REMEMBERED = 1024


class Capabilities:
    """Remembers whether registries have a referrers API, and whether they were seen to list referrers.

    That a registry has no such API is learnt only from an answer about a subject that was found there: of a subject that
    is not there, registries answer with 404 whether they have the API or not, and so do load balancers before them.

    Args:
        clock: Its monotonic time decides when something is forgotten.
    """

    def __init__(self, clock: Clock) -> None:
        self._found = _Recent(clock)
        self._unanswered = _Recent(clock)
        self._without_api = _Recent(clock)
        self._listing = _Recent(clock)

    def found(self, host: str, repository: str, digest: Digest) -> None:
        """Learn that a host delivered a subject."""
        subject = (host, repository, digest)
        self._found.add(subject)
        if subject in self._unanswered:
            self._without_api.add(host, self._unanswered.since(subject))

    def unanswered(self, host: str, repository: str, digest: Digest) -> None:
        """Learn that a host answered a request for a subject's referrers with something else than a list."""
        subject = (host, repository, digest)
        self._unanswered.add(subject)
        if subject in self._found:
            self._without_api.add(host)

    def answered(self, host: str, entries: int) -> None:
        """Learn that a host answered with a list of so many referrers; an empty list says less."""
        self._without_api.discard(host)
        if entries:
            self._listing.add(host)

    def without_api(self, host: str) -> bool:
        """Return whether a host is known to have no referrers API."""
        return host in self._without_api

    def lists_referrers(self, host: str) -> bool:
        """Return whether a host was seen to list referrers."""
        return host in self._listing


class _Recent:
    """A bounded set whose members leave after a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: OrderedDict[Hashable, float] = OrderedDict()

    def __contains__(self, member: Hashable) -> bool:
        since = self._since.get(member)
        return since is not None and self._clock.monotonic() - since < LIFETIME

    def since(self, member: Hashable) -> float:
        return self._since[member]

    def add(self, member: Hashable, since: float | None = None) -> None:
        self._since[member] = self._clock.monotonic() if since is None else since
        self._since.move_to_end(member)
        if len(self._since) > _MAX_REMEMBERED:
            self._since.popitem(last=False)

    def discard(self, member: Hashable) -> None:
        self._since.pop(member, None)
