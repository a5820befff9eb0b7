"""Walks the referrers of a subject: examines a window of them concurrently, reports them in the store's order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

from pyratify.core.attachment import check_subject
from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure, RatifyError, StoreError, VerificationError
from pyratify.core.invoke import accepts, invoke
from pyratify.core.isolation import as_failure, contained, end, from_store
from pyratify.core.lookahead import ReferrerLookahead
from pyratify.core.manifest import Manifest, check_annotations, parse_manifest
from pyratify.core.offload import offload
from pyratify.core.policy import Chain, PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult, flatten
from pyratify.core.store import Referrer
from pyratify.core.verifier import Evidence, Verifier


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in the graph of artifacts.

    Attributes:
        reference: The subject's repository and digest.
        subject: The subject's descriptor, once it is resolved.
        chain: The reports that lead here.
        path: The digests that lead here, the subject's own included.
    """

    reference: Reference
    subject: "asyncio.Future[Descriptor]"
    chain: Chain
    path: tuple[Digest, ...]

    def below(self, report: ArtifactReport) -> "_Place":
        """Return the position of the artifacts that are attached to an artifact here."""
        known: asyncio.Future[Descriptor] = asyncio.get_running_loop().create_future()
        known.set_result(report.artifact)
        digest = report.artifact.digest
        return _Place(self.reference.at(digest), known, (*self.chain, report), (*self.path, digest))


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
        subject: What the reference resolved to.
        tag: The tag by which it was asked for.
        reports: The finished reports of what is attached to the subject itself, in the store's order.
    """

    content: Content
    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer
    concurrency: int
    subject: Descriptor | None = None
    tag: str | None = None
    reports: list[ArtifactReport] = field(default_factory=list)
    _tally: _Tally = field(default_factory=_Tally)
    _passed: int = 0
    _ask_at: int = 1
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)

    @property
    def limits(self) -> tuple[Failure, ...]:
        """The limits that were reached."""
        return tuple(self._tally.limits)

    async def run(self, reference: Reference) -> Descriptor:
        """Examine the artifacts attached to the reference, as far as the policy needs them.

        With a digest, resolving and listing run side by side.

        Returns:
            What the reference resolved to.

        Raises:
            StoreError: The subject or the list of its referrers could not be read.
        """
        self.tag = reference.tag
        # No await between this and `try`: the task is always ended.
        resolving = asyncio.create_task(from_store(partial(self._resolve, reference)))
        try:
            digest = reference.digest or (await resolving).digest
            await self._subject_level(_Place(reference.at(digest), resolving, (), (digest,)))
            return await resolving
        finally:
            await end(resolving)

    async def _subject_level(self, place: _Place) -> None:
        try:
            async with aclosing(self._level(place, self._tally)) as level:
                async for report in level:
                    self.reports.append(report)
                    if self._settled(report):
                        break
        except StoreError:
            await place.subject  # its own failure, if any, explains more than that of the listing
            if not self.is_settled():
                raise
        await place.subject  # a listing is no proof that the subject exists

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

    async def _resolve(self, reference: Reference) -> Descriptor:
        descriptor = await self.content.store.resolve(reference)
        if reference.digest is not None and descriptor.digest != reference.digest:
            raise StoreError(Reason.DIGEST_MISMATCH, f"{reference} was resolved to {descriptor.digest}")
        self.subject = descriptor
        return descriptor

    async def _level(self, place: _Place, tally: _Tally) -> AsyncGenerator[ArtifactReport, None]:
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

    def _lookahead(self, place: _Place) -> ReferrerLookahead:
        store = self.content.store
        reads = partial(self._reads, self.policy.wants(place.chain))
        return ReferrerLookahead(
            lambda: store.referrers(place.reference), self.content.limits.referrers, reads
        )

    def _reads(self, wanted: frozenset[str] | None, announced: Descriptor) -> bool:
        """Return whether a verifier that is run here reads the announced type: a hint for the order alone."""
        manifest = Manifest(announced)
        return any(
            accepts(verifier, manifest)
            for name, verifier in self.verifiers.items()
            if wanted is None or name in wanted
        )

    async def _next(
        self, place: _Place, lookahead: ReferrerLookahead, window: "deque[asyncio.Task[_Found]]"
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

    async def _look(self, place: _Place, referrer: Referrer) -> _Found:
        async with self._slots:  # held for one artifact alone: nested ones take a slot themselves
            with self.content.for_artifact() as content:
                report = await self._examine(place, referrer, content)
        tally = _Tally()
        # Below the first level artifacts are examined one after another, so that limits take effect in one order.
        if not place.chain:
            report = await self._descend(place, report, tally)
        return report, tally

    async def _examine(self, place: _Place, referrer: Referrer, content: Content) -> ArtifactReport:
        report = ArtifactReport(place.reference, referrer.descriptor, referrer.discovery)
        try:
            subject = await asyncio.shield(place.subject)  # all artifacts await it: none may cancel it
            manifest = await _manifest(place, referrer, content)
            check_annotations(manifest)
            check_subject(manifest, subject, referrer.discovery)
        except VerificationError as error:
            return _failed(report, Outcome.FAILED, error)
        except RatifyError as error:
            return _failed(report, Outcome.INCONCLUSIVE, error)
        evidence = Evidence(place.reference, subject, manifest, content, self.tag)
        results = await self._verify(evidence, place.chain)
        return replace(report, artifact=manifest.descriptor, results=results)

    async def _verify(self, evidence: Evidence, chain: Chain) -> tuple[VerifierResult, ...]:
        wanted = self.policy.wants(chain)
        asked = [
            await invoke(name, verifier, evidence)
            for name, verifier in self.verifiers.items()
            if wanted is None or name in wanted
        ]
        return tuple(result for result in asked if result is not None)

    async def _descend(self, place: _Place, report: ArtifactReport, tally: _Tally) -> ArtifactReport:
        # A cosign tag, which needs no subject, can lead back to one of its own ancestors.
        if report.failure is not None or report.artifact.digest in place.path:
            return report
        below = place.below(report)
        if not self.policy.descends(below.chain):
            return report
        nested: list[ArtifactReport] = []
        try:
            if len(below.chain) >= self.content.limits.depth:
                await self._end_of_depth(below, tally)
                return report
            async with aclosing(self._level(below, tally)) as level:
                async for child in level:
                    found = await self._descend(below, child, tally)
                    nested.append(found)
        except StoreError as error:
            report = _failed(report, Outcome.INCONCLUSIVE, error)
        return replace(report, nested=tuple(nested))

    async def _end_of_depth(self, place: _Place, tally: _Tally) -> None:
        async with aclosing(self._lookahead(place)) as lookahead:
            request = lookahead.request()
            if request is not None and await request is not None:
                depth = self.content.limits.depth
                tally.hit(Reason.GRAPH_LIMIT, f"artifacts are nested deeper than the {depth} levels allowed")


async def _manifest(place: _Place, referrer: Referrer, content: Content) -> Manifest:
    descriptor = referrer.descriptor
    if referrer.manifest is not None:
        data = await content.accept(referrer.manifest, descriptor)
    else:
        data = await content.manifest(place.reference, descriptor)
    return await offload(len(data), parse_manifest, data, descriptor)


def _failed(report: ArtifactReport, outcome: Outcome, error: RatifyError) -> ArtifactReport:
    return replace(report, outcome=outcome, failure=as_failure(error))
