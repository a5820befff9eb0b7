"""Which of the listed referrers are looked at first, so that unrelated attachments push no signature out of sight."""

from collections.abc import Callable, Iterator

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import EMPTY_CONFIG, INDEX_TYPES
from pyratify.core.store import Discovery, Referrer

# What makes two entries the same; what else a listing says of an artifact is not believed, and so cannot differ.
_Key = tuple[str, str, int, bool]
_MAX_LISTED = 10_000
# The config types of ordinary images, which registries announce for artifacts without a type of their own: they say nothing.
_GENERIC = (
    EMPTY_CONFIG,
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)


class Ordering:
    """Orders one listing by what it announces; pure state, without any I/O.

    What a cosign tag names, and what is announced as a type that is read, comes at once. The rest waits for the end of
    the listing: first entries without a type, then those of other types. The announced type is a hint for the order
    alone; every entry is looked at, up to the limit, and none is trusted. Entries that say the same count once.

    Args:
        limit: The most referrers that are looked at.
        is_read: Tells whether an announced artifact type is one that a verifier reads.

    Attributes:
        over: Whether more are attached than the limit.
        ended: Whether no further entry can be looked at.
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
        """Take an entry; tell whether it is looked at before the listing goes on."""
        self._listed += 1
        key = _key(referrer)
        if key not in self._chosen:
            if self._is_promising(referrer):
                return self._choose(key, referrer)
            self._put_off(key, referrer)
        self._end_if(self._listed >= max(_MAX_LISTED, 2 * self._limit))
        return False

    def rest(self) -> Iterator[Referrer]:
        """Iterate over what was put off, as far as the limit allows."""
        for key, referrer in (*self._untyped.items(), *self._others.items()):
            if key not in self._chosen and self._choose(key, referrer):
                yield referrer

    def _is_promising(self, referrer: Referrer) -> bool:
        if referrer.discovery is Discovery.COSIGN_TAG:
            return True
        return not _is_untyped(referrer) and self._is_read(referrer.descriptor)

    def _choose(self, key: _Key, referrer: Referrer) -> bool:
        if self._looked_at >= self._limit:
            self._end_if(True)
            return False
        self._looked_at += 1
        self._chosen.add(key)
        if referrer.discovery is Discovery.COSIGN_TAG and key[0] not in INDEX_TYPES:
            # under its tag an image manifest is checked no more strictly than as a referrer: once is enough
            self._chosen.add((*key[:3], False))
        return True

    def _put_off(self, key: _Key, referrer: Referrer) -> None:
        waiting = self._untyped if _is_untyped(referrer) else self._others
        if key in self._untyped or key in self._others:
            return
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
    return (what.media_type, what.digest, what.size, referrer.discovery is Discovery.COSIGN_TAG)
