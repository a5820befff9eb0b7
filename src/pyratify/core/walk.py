"""Walks the referrers of a subject: examines a window of them concurrently, reports them in the store's order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import field, replace
from functools import partial

from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, StoreError
from pyratify.core.examine import Examiner, Place, failed, read_evidence
from pyratify.core.invoke import accepts
from pyratify.core.isolation import contained, end, from_store
from pyratify.core.listed_by import ListedBy
from pyratify.core.lookahead import ReferrerLookahead
from pyratify.core.manifest import Manifest
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Outcome, flatten
from pyratify.core.siblings import SiblingsOfPlaces
from pyratify.core.store import Discovery, Referrer, Store
from pyratify.core.verifier import Verifier


@dataclass(slots=True)
class _Tally:
    """Counts of a part of the walk; added up in the store's order, so that limits take effect alike at any concurrency."""

    artifacts: int = 0
    limits: list[Failure] = field(default_factory=list)

    def add(self, other: "_Tally") -> None:
        self.artifacts += 1 + other.artifacts
        self.limits += [failure for failure in other.limits if failure not in self.limits]

    def hit(self, reason: Reason, message: str) -> None:
        self.limits.append(Failure(reason, message, reason.remedy))


_Found = tuple[ArtifactReport, _Tally]


@dataclass(slots=True)
class Walk:
    """The state of one validation; touched by its own tasks only.

    Attributes:
        content: Reads and checks all content.
        verifiers: The executor's verifiers by name.
        policy: Says which verifiers matter and when to stop.
        concurrency: How many artifacts are examined at the same time.
        listed_by: The index through which the subject is examined: what it lists as an attestation of the subject is attached
            to the subject, and what is attached to the index speaks for that attestation.
        slots: Shared by walks that together examine no more artifacts at the same time than `concurrency`.
        subject: What the reference resolved to.
        tag: The tag by which it was asked for.
        reports: The finished reports of what is attached to the subject itself, in the store's order.
    """

    content: Content
    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer
    concurrency: int
    listed_by: ListedBy | None = None
    slots: asyncio.Semaphore | None = None
    subject: Descriptor | None = None
    tag: str | None = None
    reports: list[ArtifactReport] = field(default_factory=list)
    _tally: _Tally = field(default_factory=_Tally)
    _passed: int = 0
    _ask_at: int = 1
    _slots: asyncio.Semaphore = field(init=False)
    _examiner: Examiner = field(init=False)
    _siblings: SiblingsOfPlaces = field(init=False)

    def __post_init__(self) -> None:
        self._slots = self.slots or asyncio.Semaphore(self.concurrency)
        self._examiner = Examiner(self.verifiers, self.policy)
        self._siblings = SiblingsOfPlaces(self.content, self.concurrency)

    @property
    def limits(self) -> tuple[Failure, ...]:
        """The limits that were reached."""
        return tuple(self._tally.limits)

    async def run(self, reference: Reference, subject: Descriptor | None = None) -> Descriptor:
        """Examine the artifacts attached to the reference, as far as the policy needs them.

        With a digest, resolving and listing run side by side.

        Args:
            reference: The subject.
            subject: What it resolves to, where that is known.

        Returns:
            What the reference resolved to.

        Raises:
            StoreError: The subject or the list of its referrers could not be read.
        """
        self.tag = reference.tag
        # No await between this and `try`: the task is always ended.
        resolving = asyncio.create_task(from_store(partial(self._resolve, reference, subject)))
        try:
            digest = reference.digest or (await resolving).digest
            await self._subject_level(Place(reference.at(digest), resolving, (), (digest,)))
            return await resolving
        finally:
            await end(resolving)
            self._siblings.clear()

    async def _subject_level(self, place: Place) -> None:
        try:
            await self._collect(place)
        except StoreError:
            await place.subject  # its own failure, if any, explains more than that of the listing
            if not self.is_settled():
                raise
        await place.subject  # a listing is no proof that the subject exists

    async def _collect(self, place: Place) -> None:
        """Collect the reports that the policy is shown, until it is settled."""
        for source in self._tops(place):
            async with aclosing(self._level(source, self._tally)) as level:
                async for report in level:
                    self.reports.append(report)
                    if self._settled(report):
                        return

    def _settled(self, report: ArtifactReport) -> bool:
        """Return whether the policy is settled; in a long list it is evaluated less and less often, as each time costs the whole list."""
        if not any(result.passed for found in flatten((report,)) for result in found.results):
            return False
        self._passed += 1
        if self._passed < self._ask_at:
            return False
        self._ask_at = self._passed + 1 + self._passed // 16
        return self.is_settled()

    def is_settled(self) -> bool:
        """Return whether the policy allows now and would allow whatever comes."""
        return self.policy.settled(tuple(self.reports)) is True  # nothing but True of a plugin settles

    async def _resolve(self, reference: Reference, known: Descriptor | None) -> Descriptor:
        self.subject = known or await resolve(self.content.store, reference)
        return self.subject

    async def _level(self, place: Place, tally: _Tally) -> AsyncGenerator[ArtifactReport, None]:
        """Iterate over the reports of the artifacts attached here, in the store's order."""
        window: deque[asyncio.Task[_Found]] = deque()
        limits = self.content.limits
        lookahead = self._lookahead(place)
        try:
            while (found := await self._next(place, lookahead, window)) is not None:
                if tally.artifacts >= limits.artifacts:  # counted in the store's order
                    tally.hit(
                        Reason.GRAPH_LIMIT, f"more than the {limits.artifacts} artifacts allowed are attached"
                    )
                    return
                tally.add(found[1])
                yield found[0]
        finally:
            try:
                await end(*window)
            finally:
                await lookahead.aclose()
        if lookahead.over:
            tally.hit(
                Reason.REFERRERS_LIMIT,
                f"{place.reference} has more than the {limits.referrers} referrers allowed",
            )
        if lookahead.error is not None:  # after the reports before it, which may be enough
            raise lookahead.error

    def _lookahead(self, place: Place) -> ReferrerLookahead:
        reads = partial(self._reads, self.policy.wants(place.chain))
        return ReferrerLookahead(self._listing(place), self.content.limits.referrers, reads)

    def _listing(self, place: Place) -> Callable[[], AsyncIterator[Referrer]]:
        store, by = self.content.store, self.listed_by
        if by is not None and place.reference == by.reference:
            return by.attached.referrers
        if by is not None and by.attestations and not place.chain:
            return partial(by.with_attestations, store, place.reference)
        return partial(store.referrers, place.reference)

    def _reads(self, wanted: frozenset[str] | None, announced: Descriptor) -> bool:
        """Return whether a verifier that is run here reads the announced type: a hint for the order alone."""
        manifest = Manifest(announced)
        return any(
            accepts(verifier, manifest)
            for name, verifier in self.verifiers.items()
            if wanted is None or name in wanted
        )

    async def _next(
        self, place: Place, lookahead: ReferrerLookahead, window: "deque[asyncio.Task[_Found]]"
    ) -> _Found | None:
        """Return the next report in the store's order, filling the window meanwhile; None at the end."""
        while not (window and window[0].done()):
            wanted = lookahead.request() if len(window) < self.concurrency else None
            waiting = [task for task in (wanted, window[0] if window else None) if task is not None]
            if not waiting:
                return None
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if wanted is not None and wanted.done() and (referrer := lookahead.take()) is not None:
                window.append(asyncio.create_task(contained(partial(self._look, place, referrer))))
        return window.popleft().result()

    async def _look(self, place: Place, referrer: Referrer) -> _Found:
        async with self._slots:  # held for one artifact alone: nested ones take a slot themselves
            with self.content.for_artifact() as content:
                siblings = self._siblings.at(
                    place.path, partial(self._lookahead, place), partial(read_evidence, place)
                )
                report = await self._examiner.examine(place, referrer, content, self.tag, siblings)
        tally = _Tally()
        # Below the first level artifacts are examined one after another, so that limits take effect in one order.
        if not place.chain:
            report = await self._descend(place, report, tally)
        return report, tally

    async def _descend(self, place: Place, report: ArtifactReport, tally: _Tally) -> ArtifactReport:
        # A cosign tag, which needs no subject, can lead back to one of its own ancestors.
        if report.failure is not None or report.artifact.digest in place.path:
            return report
        below = place.below(report)
        if not self.policy.descends(below.chain):
            return report
        if len(below.chain) >= self.content.limits.depth:
            return await self._end_of_depth(below, report, tally)
        nested: list[ArtifactReport] = []
        for source in self._sources(below, report):
            try:
                async with aclosing(self._level(source, tally)) as level:
                    async for child in level:
                        found = await self._descend(source, child, tally)
                        nested.append(found)
            except StoreError as error:
                report = failed(report, Outcome.INCONCLUSIVE, error)
        return replace(report, nested=tuple(nested))

    def _tops(self, place: Place) -> Iterator[Place]:
        """Iterate over what the policy is shown as attached to the subject."""
        yield place
        if self.listed_by is not None and self.listed_by.speaks:
            yield place.beside(self.listed_by.reference, self.listed_by.index, ())

    def _sources(self, below: Place, report: ArtifactReport) -> Iterator[Place]:
        """Iterate over what speaks for an artifact: what is attached to it and, where an index lists it, to the index."""
        yield below
        if self.listed_by is not None and report.discovery is Discovery.INDEX:
            yield below.beside(self.listed_by.reference, self.listed_by.index, below.chain)

    async def _end_of_depth(self, place: Place, report: ArtifactReport, tally: _Tally) -> ArtifactReport:
        try:
            async with aclosing(self._lookahead(place)) as lookahead:
                request = lookahead.request()
                if request is not None and await request is not None:
                    depth = self.content.limits.depth
                    tally.hit(
                        Reason.GRAPH_LIMIT, f"artifacts are nested deeper than the {depth} levels allowed"
                    )
        except StoreError as error:
            report = failed(report, Outcome.INCONCLUSIVE, error)
        return report


async def resolve(store: Store, reference: Reference) -> Descriptor:
    """Return what a reference names.

    Raises:
        StoreError: It could not be resolved, or a digest was resolved to another one.
    """
    descriptor = await store.resolve(reference)
    if reference.digest is not None and descriptor.digest != reference.digest:
        raise StoreError(Reason.DIGEST_MISMATCH, f"{reference} was resolved to {descriptor.digest}")
    return descriptor
