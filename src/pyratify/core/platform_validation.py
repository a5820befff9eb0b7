"""Validates what a reference names by the manifests that its image index lists, each as a subject of its own.

A reference that names a platform's manifest by digest and an index by tag is validated with that index.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure, StoreError, VerificationError
from pyratify.core.index_reading import IndexReader
from pyratify.core.isolation import as_failure, from_store, gather, release
from pyratify.core.listed_by import Entry, ListedBy, ListedOnce
from pyratify.core.manifest import INDEX_TYPES
from pyratify.core.platform_choice import PlatformChoice, PlatformMode, names_index
from pyratify.core.platform_report import beside, combine, with_index
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.walk import resolve

T = TypeVar("T")


class Subjects(Protocol):
    """Validates single subjects within the time of the whole; raises nothing but cancellation."""

    async def validate(
        self, reference: Reference, subject: Descriptor | None = None, listed_by: ListedBy | None = None
    ) -> ValidationResult:
        """Return the result for one subject.

        Args:
            reference: The subject.
            subject: What it resolves to, where that is known.
            listed_by: The index through which it is examined.
        """
        ...

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T | Failure:
        """Return the result of work, or why it failed."""
        ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a reference names.

    Attributes:
        subject: What it resolves to.
        entries: What that lists, where it is an index.
        listed_by: The index of the reference's tag, where that lists the subject.
        gap: Why that index could not be read.
    """

    subject: Descriptor
    entries: tuple[Entry, ...] = ()
    listed_by: ListedBy | None = None
    gap: Failure | None = None


@dataclass(frozen=True, slots=True)
class PlatformValidation:
    """One validation by platforms.

    Attributes:
        reader: Reads image indexes.
        choice: Says which manifests are judged.
        subjects: Validates single subjects.
    """

    reader: IndexReader
    choice: PlatformChoice
    subjects: Subjects

    async def validate(self, reference: Reference) -> ValidationResult:
        """Return the result for a reference; raises nothing but cancellation."""
        own: ValidationResult | None = None
        # Where the index alone may be enough, nothing that it lists is read before it.
        if self.choice.mode is PlatformMode.INDEX or (
            self.choice.mode is PlatformMode.ANY and not names_index(reference)
        ):
            own = await self.subjects.validate(reference)
            if own.subject is None or own.succeeded:
                return own
        known = own.subject if own is not None else None
        read = await self.subjects.attempt(partial(self._read, reference, known))
        if isinstance(read, Failure):
            return beside(own, ValidationResult(reference, known, Decision.DENY, error=read))
        if isinstance(read, ValidationResult):
            return beside(own, read)
        if read.subject.media_type not in INDEX_TYPES:
            return await self._member(reference, read, own)
        return await self._index(reference, read, own)

    async def _index(
        self, reference: Reference, read: _Reading, own: ValidationResult | None
    ) -> ValidationResult:
        """Validate an index: by its own evidence where that may be enough, or else by the manifests that it lists."""
        if own is None and self.choice.mode is PlatformMode.ANY:
            own = await self.subjects.validate(reference, read.subject)
        if own is not None and (own.succeeded or self.choice.mode is PlatformMode.INDEX):
            return own
        # Where evidence of the index may be enough and is not, it counts for each manifest beside its own.
        speaks = own is not None and own.decision is Decision.DENY
        return beside(own, await self._platforms(reference, read, speaks=speaks))

    async def _read(self, reference: Reference, known: Descriptor | None) -> _Reading | ValidationResult:
        store = self.reader.content.store
        # Resolved once: a second time the tag might name something else.
        subject = known if known is not None else await from_store(partial(resolve, store, reference))
        if subject.media_type not in INDEX_TYPES:
            return await self._read_index_of(reference, subject)
        if self.choice.mode is PlatformMode.INDEX:
            return _Reading(subject)
        try:
            return _Reading(subject, await self.reader.read(reference, subject))
        except VerificationError as error:
            return ValidationResult(reference, subject, Decision.DENY, as_failure(error))

    async def _read_index_of(self, reference: Reference, subject: Descriptor) -> _Reading:
        """Return the subject with the index of the reference's tag, where that lists it."""
        if not names_index(reference):
            return _Reading(subject)
        try:
            tagged = reference.tagged(reference.tag or "")
            index = await from_store(partial(resolve, self.reader.content.store, tagged))
            if index.media_type not in INDEX_TYPES:
                return _Reading(subject)
            entries = await self.reader.read(reference, index, proven=False)
        except VerificationError as error:
            release(error)
            # A broken index speaks for nothing; what the manifest itself has still counts.
            return _Reading(subject)
        except StoreError as error:
            failure = as_failure(error)
            # A tag that is gone speaks for nothing; any other failure may hide the index that would.
            gap = None if failure.reason is Reason.NOT_FOUND else failure
            return _Reading(subject, gap=gap)
        lists = next((entry for entry in entries if entry.descriptor.digest == subject.digest), None)
        if lists is None:
            return _Reading(subject)
        # The index of the tag, also where one within it lists the subject: its digest covers both.
        itself = ListedOnce(self.reader.content.store, reference.at(index.digest))
        return _Reading(subject, listed_by=ListedBy(index, lists.listed_by.attestations, itself))

    async def _member(
        self, reference: Reference, read: _Reading, own: ValidationResult | None
    ) -> ValidationResult:
        """Validate a manifest that is no index: by its own evidence, and where that may be enough, by its index's."""
        if own is None:
            own = await self.subjects.validate(reference, read.subject, read.listed_by)
        if own.decision is not Decision.DENY:
            return own
        if read.gap is not None:
            return replace(own, failure=None, error=own.error or read.gap)
        if read.listed_by is None or self.choice.mode not in (PlatformMode.INDEX, PlatformMode.ANY):
            return own
        # Asked of both together: what the manifest's own evidence forbids is not made good by that of the index.
        speaking = replace(read.listed_by, speaks=True)
        both = await self.subjects.validate(reference, read.subject, speaking)
        return with_index(both, read.listed_by)

    async def _platforms(self, reference: Reference, read: _Reading, *, speaks: bool) -> ValidationResult:
        chosen = {
            entry.descriptor.digest: entry for entry in read.entries if self.choice.includes(entry.descriptor)
        }
        jobs = [
            partial(
                self.subjects.validate,
                replace(reference, digest=digest),
                entry.descriptor,
                replace(entry.listed_by, speaks=speaks),
            )
            for digest, entry in chosen.items()
        ]
        results = await gather(jobs, self.reader.concurrency)
        judged: dict[Digest, ValidationResult] = dict(zip(chosen, results, strict=True))
        whole = ValidationResult(reference, read.subject, Decision.DENY)
        return combine(whole, read.entries, judged, self.choice)
