"""The order in which listed referrers are examined, so that unrelated ones cannot push a signature beyond the limit."""

from collections.abc import Callable, Iterator

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import EMPTY_CONFIG, INDEX_TYPES
from pyratify.core.store import Referrer

# Entries with an equal key are the same; other fields of a listing are not trusted, so they make no difference.
_Key = tuple[str, str, int, bool]
# A listing of entries that no verifier reads would otherwise be read without an end.
_MAX_LISTED = 10_000
# Registries announce the config type of an ordinary image for artifacts without an artifact type: it tells nothing.
_GENERIC = (
    EMPTY_CONFIG,
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)


class Ordering:
    """Orders one listing by what it announces; pure state, without any I/O.

    Entries found by a cosign tag or in an image index, and of types that a verifier reads, come at once. The others wait for the end of the
    listing: first entries without a type, then those of other types. The announced type is a hint for the order
    alone; every entry is examined, up to the limit, and none is trusted. Equal entries count once.

    Args:
        limit: The most referrers that are examined.
        is_read: Returns whether a verifier reads an announced artifact type.

    Attributes:
        over: Whether more are attached than the limit.
        ended: Whether no further entry can be examined.
    """

    def __init__(self, limit: int, is_read: Callable[[Descriptor], bool]) -> None:
        self._limit = limit
        self._is_read = is_read
        self._chosen: set[_Key] = set()
        self._untyped: dict[_Key, Referrer] = {}
        self._others: dict[_Key, Referrer] = {}
        self._listed = 0
        self._looked_at = 0
        self.over = False
        self.ended = False

    def comes_now(self, referrer: Referrer) -> bool:
        """Add an entry; return whether it is examined before the listing goes on."""
        self._listed += 1
        key = _key(referrer)
        if key not in self._chosen:
            if self._is_promising(referrer):
                return self._choose(key, referrer)
            self._defer(key, referrer)
        self._end_if(self._listed >= max(_MAX_LISTED, 2 * self._limit))
        return False

    def rest(self) -> Iterator[Referrer]:
        """Iterate over the deferred entries, up to the limit."""
        for key, referrer in (*self._untyped.items(), *self._others.items()):
            if key not in self._chosen and self._choose(key, referrer):
                yield referrer

    def _is_promising(self, referrer: Referrer) -> bool:
        # Found by the subject's digest in its name or in the index; neither announces a type.
        if referrer.discovery.may_lack_subject:
            return True
        return not _is_untyped(referrer) and self._is_read(referrer.descriptor)

    def _choose(self, key: _Key, referrer: Referrer) -> bool:
        if self._looked_at >= self._limit:
            self._end_if(True)
            return False
        self._looked_at += 1
        self._chosen.add(key)
        if referrer.discovery.may_lack_subject and key[0] not in INDEX_TYPES:
            # An image manifest that passes as a referrer passes under its tag too (`attachment.check_subject`): examine it once.
            self._chosen.add((*key[:3], False))
        return True

    def _defer(self, key: _Key, referrer: Referrer) -> None:
        waiting = self._untyped if _is_untyped(referrer) else self._others
        if key in self._untyped or key in self._others:
            return
        # Both lists are bounded: what is deferred stays in memory until the listing ends.
        if len(waiting) < self._limit:
            waiting[key] = referrer
        else:
            self.over = True

    def _end_if(self, over: bool) -> None:
        self.over = self.over or over
        self.ended = self.ended or over


def _is_untyped(referrer: Referrer) -> bool:
    return (referrer.descriptor.artifact_type or EMPTY_CONFIG) in _GENERIC


def _key(referrer: Referrer) -> _Key:
    what = referrer.descriptor
    return (what.media_type, what.digest, what.size, referrer.discovery.may_lack_subject)
