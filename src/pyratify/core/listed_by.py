"""What an image index adds to the listings of a walk: attestations of a subject, and what is attached to the index itself."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer, Store, closing

_MOST = 10_000
"""As many as a walk with the default limits reads of one listing (`ordering.py`)."""
_REMEDY = "Remove what is attached to the index without need."


@dataclass(slots=True)
class ListedOnce:
    """What is attached to one subject, for several walks of one validation: a store is asked once.

    Attributes:
        store: Lists it.
        reference: The subject, by digest.
    """

    store: Store
    reference: Reference
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: tuple[Referrer, ...] | None = None
    _error: StoreError | None = None

    async def referrers(self) -> AsyncGenerator[Referrer, None]:
        """Iterate over the listing, as `Store.referrers` does; an error comes after the entries before it.

        Raises:
            StoreError: The listing failed, for every walk alike.
        """
        # Cancelled, the first leaves nothing behind, and the next one lists anew.
        async with self._lock:
            if self._found is None:
                self._found = await self._list()
        for referrer in self._found:
            yield referrer
        if self._error is not None:
            # Anew: raised for every walk, one error would collect the frames of all (decision 0035).
            raise StoreError(self._error.reason, self._error.message, remedy=self._error.remedy)

    async def _list(self) -> tuple[Referrer, ...]:
        found: list[Referrer] = []
        try:
            async with closing(self.store.referrers(self.reference)) as listing:
                async for referrer in listing:
                    found.append(referrer)
                    if len(found) > _MOST:
                        # What is beyond may be what would deny: a list that is cut must not look whole.
                        what = f"more than the {_MOST} referrers that are read of an index are attached to {self.reference}"
                        self._error = StoreError(Reason.REFERRERS_LIMIT, what, remedy=_REMEDY)
                        break
        except StoreError as error:
            self._error = StoreError(error.reason, error.message, remedy=error.remedy)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ListedBy:
    """The image index that lists a subject.

    Attributes:
        index: The index; its content has been compared with its digest.
        attestations: Its entries that claim to attest the subject.
        attached: What is attached to the index itself.
        speaks: Whether that counts for the subject, too.
    """

    index: Descriptor
    attestations: tuple[Descriptor, ...]
    attached: ListedOnce = field(compare=False)
    speaks: bool = False

    @property
    def reference(self) -> Reference:
        """The index's repository and digest."""
        return self.attached.reference

    async def with_attestations(self, store: Store, reference: Reference) -> AsyncGenerator[Referrer, None]:
        """Iterate over the attestations, then over what the store lists for the subject; errors as in `Store`."""
        for entry in self.attestations:
            # First: the index is at hand, and the listing below costs requests.
            yield Referrer(entry, Discovery.INDEX)
        async with closing(store.referrers(reference)) as listing:
            async for referrer in listing:
                yield referrer


@dataclass(frozen=True, slots=True)
class Entry:
    """A manifest that an image index lists and that may be run.

    Attributes:
        descriptor: As the index lists it.
        listed_by: The index, with what it lists as attestations of the manifest.
    """

    descriptor: Descriptor
    listed_by: ListedBy
