"""The last decisions, within bounds; memory is all that keeps them."""

from collections import OrderedDict

from pyratify.entrypoints.service.response_bodies import Summary

# The clients choose how much evidence a decision has; the number alone would not bound it.
_MAX_BYTES = 32 * 1024 * 1024


class Decisions:
    """Keeps decisions until there are too many, or too long ones; the oldest go first.

    Args:
        most: How many.
        max_bytes: How long all documents may be together; one that is longer by itself is not kept at all.
    """

    def __init__(self, most: int = 256, max_bytes: int = _MAX_BYTES) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[Summary, bytes]] = OrderedDict()
        self._bytes = 0

    def keep(self, summary: Summary, document: bytes) -> None:
        """Keep one more.

        Args:
            summary: The decision without its evidence.
            document: The whole of it, as it was answered.
        """
        self._kept[summary.id] = summary, document
        self._bytes += len(document)
        # Ends at the latest when nothing is kept, as then the sum is 0.
        while len(self._kept) > self._most or self._bytes > self._max_bytes:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest)

    def recent(self) -> tuple[Summary, ...]:
        """Return what is kept, the newest first."""
        return tuple(summary for summary, _ in reversed(self._kept.values()))

    def document(self, name: str) -> bytes | None:
        """Return a decision as it was answered, or None when it is not kept any more."""
        found = self._kept.get(name)
        return None if found is None else found[1]

    @property
    def state(self) -> str:
        """Names what is kept: another text whenever that changed."""
        return next(reversed(self._kept), "")
