"""Signed verdicts in a file of this machine."""

from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A `Remote` in an sqlite file. Entries say themselves when they end; the file forgets those not used for longest.

    Attributes:
        cache: The file.
    """

    cache: SqliteCache

    async def get(self, name: str, most: int) -> bytes | None:
        """Return the entry, or None; one longer than `most` was not written here."""
        found = self.cache.get(name)
        return found if found is None or len(found) <= most else None

    async def put(self, name: str, data: bytes, seconds: float) -> None:
        """Keep the entry."""
        del seconds
        self.cache.put(name, data)

    async def aclose(self) -> None:
        """Close the file."""
        self.cache.close()
