"""The walk over what is attached to a subject: a window ahead, reported in the store's order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure, InconclusiveError, RatifyError, StoreError, VerificationError
from pyratify.core.manifest import INDEX_TYPES, Manifest, parse_manifest
from pyratify.core.policy import Chain, PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.store import Discovery, Referrer
from pyratify.core.verifier import Details, Evidence, Verifier


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the graph the walk stands.

    Attributes:
        reference: The subject's repository and digest.
        subject: What the subject is, as soon as it is known.
        chain: The reports that lead here.
        path: The digests that lead here, the subject's own included.
    """

    reference: Reference
    subject: "asyncio.Future[Descriptor]"
    chain: Chain
    path: tuple[Digest, ...]


@dataclass(slots=True)
class Walk:
    """The state of one validation; touched by its own tasks only.

    Attributes:
        content: Reads and checks everything.
        verifiers: The executor's verifiers by name.
        policy: Asked what matters and when to stop.
        concurrency: How many artifacts are looked at at the same time.
        subject: What the reference resolved to.
        reports: The finished reports of what is attached to the subject itself, in the store's order.
        limits: The limits that were hit.
    """

    content: Content
    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer
    concurrency: int
    subject: Descriptor | None = None
    reports: list[ArtifactReport] = field(default_factory=list)
    limits: list[Failure] = field(default_factory=list)
    _artifacts: int = 0
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)

    async def run(self, reference: Reference) -> None:
        """Look at what is attached to the reference, as far as the policy needs it.

        With a digest, resolving and listing run side by side.

        Raises:
            StoreError: The subject or the list of its referrers could not be read.
        """
        resolving = asyncio.ensure_future(self._resolve(reference))
        try:
            digest = reference.digest or (await resolving).digest
            place = _Place(reference.at(digest), resolving, (), (digest,))
            await self._subject_level(place)
        finally:
            await _end(resolving)

    async def _subject_level(self, place: _Place) -> None:
        try:
            await self._level(place, self.reports)
        except StoreError:
            await place.subject  # where the subject cannot be read either, that explains more
            raise
        await place.subject

    async def _resolve(self, reference: Reference) -> Descriptor:
        descriptor = await self.content.store.resolve(reference)
        if reference.digest is not None and descriptor.digest != reference.digest:
            raise StoreError(Reason.DIGEST_MISMATCH, f"{reference} was resolved to {descriptor.digest}")
        self.subject = descriptor
        return descriptor

    async def _level(self, place: _Place, reports: list[ArtifactReport]) -> None:
        window: deque[asyncio.Task[ArtifactReport]] = deque()
        listing = _Listing(self.content.store.referrers(place.reference))
        try:
            async with aclosing(listing):
                while await self._step(place, listing, window, reports):
                    if not place.chain and self.policy.settled(tuple(reports)):
                        return
        finally:
            await _end(*window)
        if listing.error is not None:
            raise listing.error

    async def _step(
        self,
        place: _Place,
        listing: "_Listing",
        window: "deque[asyncio.Task[ArtifactReport]]",
        reports: list[ArtifactReport],
    ) -> bool:
        """Take the next referrer from the listing or the next report from the window; False when both are empty."""
        wanted = (
            listing.request() if len(window) < self.concurrency and self._may_list(place, listing) else None
        )
        waiting = [task for task in (wanted, window[0] if window else None) if task is not None]
        if not waiting:
            return False
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if window and window[0].done():
            reports.append(window.popleft().result())
        elif wanted is not None and (referrer := listing.take()) is not None:
            self._artifacts += 1
            window.append(asyncio.create_task(self._artifact(place, referrer)))
        return True

    def _may_list(self, place: _Place, listing: "_Listing") -> bool:
        if listing.exhausted:
            return False
        limits = self.content.limits
        if listing.taken >= limits.referrers:
            self._hit(
                Reason.REFERRERS_LIMIT,
                f"{place.reference} has more than the {limits.referrers} referrers allowed",
            )
        elif self._artifacts >= limits.artifacts:
            self._hit(Reason.GRAPH_LIMIT, f"more than the {limits.artifacts} artifacts allowed are attached")
        else:
            return True
        listing.stop()
        return False

    def _hit(self, reason: Reason, message: str) -> None:
        failure = Failure(reason, message, reason.remedy)
        if failure not in self.limits:
            self.limits.append(failure)

    async def _artifact(self, place: _Place, referrer: Referrer) -> ArtifactReport:
        async with self._slots:
            report = await self._examine(place, referrer)
        return await self._descend(place, report) if report.failure is None else report

    async def _examine(self, place: _Place, referrer: Referrer) -> ArtifactReport:
        report = ArtifactReport(place.reference, referrer.descriptor, referrer.discovery)
        try:
            subject = await asyncio.shield(place.subject)
        except RatifyError as error:
            return _failed(report, Outcome.INCONCLUSIVE, error)
        try:
            manifest = await self._manifest(place, referrer)
            check_subject(manifest, subject, referrer.discovery)
        except StoreError as error:
            return _failed(report, Outcome.INCONCLUSIVE, error)
        except RatifyError as error:
            return _failed(report, Outcome.FAILED, error)
        evidence = Evidence(place.reference, subject, manifest, self.content)
        results = await self._verify(evidence, place.chain)
        return replace(report, artifact=manifest.descriptor, results=results)

    async def _manifest(self, place: _Place, referrer: Referrer) -> Manifest:
        descriptor = referrer.descriptor
        if referrer.manifest is not None:
            data = self.content.accept(referrer.manifest, descriptor)
        else:
            data = await self.content.manifest(place.reference, descriptor)
        return parse_manifest(data, descriptor)

    async def _verify(self, evidence: Evidence, chain: Chain) -> tuple[VerifierResult, ...]:
        wanted = self.policy.wants(chain)
        asked = [
            verifier
            for name, verifier in self.verifiers.items()
            if (wanted is None or name in wanted) and _accepts(verifier, evidence.manifest)
        ]
        return tuple([await _ask(verifier, evidence) for verifier in asked])

    async def _descend(self, place: _Place, report: ArtifactReport) -> ArtifactReport:
        chain = (*place.chain, report)
        digest = report.artifact.digest
        if not self.policy.descends(chain) or digest in place.path:
            return report
        if len(chain) >= self.content.limits.depth:
            self._hit(
                Reason.GRAPH_LIMIT, f"artifacts are nested deeper than {self.content.limits.depth} levels"
            )
            return report
        known: asyncio.Future[Descriptor] = asyncio.get_running_loop().create_future()
        known.set_result(report.artifact)
        nested: list[ArtifactReport] = []
        place = _Place(place.reference.at(digest), known, chain, (*place.path, digest))
        try:
            await self._level(place, nested)
        except StoreError as error:
            report = _failed(report, Outcome.INCONCLUSIVE, error)
        return replace(report, nested=tuple(nested))


class _Listing:
    """A store's listing that can be asked for its next referrer without waiting for it; each digest counts once."""

    def __init__(self, source: AsyncIterator[Referrer]) -> None:
        self._source = source
        self._next: asyncio.Task[Referrer | None] | None = None
        self._seen: set[Digest] = set()
        self.taken = 0
        self.exhausted = False
        self.error: StoreError | None = None

    def request(self) -> "asyncio.Task[Referrer | None]":
        if self._next is None:
            self._next = asyncio.create_task(self._advance())
        return self._next

    def take(self) -> Referrer | None:
        if self._next is None or not self._next.done():
            return None
        task, self._next = self._next, None
        try:
            referrer = task.result()
        except StoreError as error:  # reported once what came before it has been looked at
            self.error, referrer = error, None
        if referrer is None:
            self.exhausted = True
        else:
            self.taken += 1
        return referrer

    def stop(self) -> None:
        self.exhausted = True

    async def aclose(self) -> None:
        if self._next is not None:
            await _end(self._next)
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()

    async def _advance(self) -> Referrer | None:
        async for referrer in self._source:
            if referrer.descriptor.digest not in self._seen:
                self._seen.add(referrer.descriptor.digest)
                return referrer
        return None


def check_subject(manifest: Manifest, subject: Descriptor, discovery: Discovery) -> None:
    """Refuse an artifact that is not attached to the subject.

    Found by a cosign tag, an image manifest may lack a subject: then the verifier alone can bind it.

    Raises:
        VerificationError: `SUBJECT_MISMATCH`, or `MEDIATYPE_MISMATCH` for a cosign tag that names no image manifest.
    """
    if discovery is Discovery.COSIGN_TAG:
        if manifest.descriptor.media_type in INDEX_TYPES:
            raise VerificationError(Reason.MEDIATYPE_MISMATCH, "a cosign tag names an image index")
        if manifest.subject is None:
            return
    if manifest.subject is None or not manifest.subject.same_content(subject):
        attached = manifest.subject.digest if manifest.subject else "nothing"
        raise VerificationError(
            Reason.SUBJECT_MISMATCH,
            f"{manifest.descriptor.digest} is attached to {attached}, not to {subject.digest} under which it is listed",
        )


def _failed(report: ArtifactReport, outcome: Outcome, error: RatifyError) -> ArtifactReport:
    return replace(report, outcome=outcome, failure=error.failure)


def _accepts(verifier: Verifier, manifest: Manifest) -> bool:
    try:
        return verifier.accepts(manifest) is True
    except Exception:  # noqa: BLE001 - not accepted is not verified
        return False


async def _ask(verifier: Verifier, evidence: Evidence) -> VerifierResult:
    name = verifier.name
    try:
        details = await verifier.verify(evidence)
    except (InconclusiveError, StoreError) as error:
        return VerifierResult(name, Outcome.INCONCLUSIVE, failure=error.failure)
    except RatifyError as error:
        return VerifierResult(name, Outcome.FAILED, failure=error.failure)
    except BaseException as error:  # nothing that a plugin raises may pass
        if _is_ours(error):
            raise
        return _broken(name, f"it raised {type(error).__name__}: {error}")
    if not _are_details(details):
        return _broken(name, f"it returned {type(details).__name__} instead of details")
    return VerifierResult(name, Outcome.PASSED, details=details)


def _are_details(value: object) -> bool:
    return isinstance(value, Details)


def _is_ours(error: BaseException) -> bool:
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _broken(name: str, what: str) -> VerifierResult:
    reason = Reason.VERIFIER_ERROR
    return VerifierResult(
        name,
        Outcome.INCONCLUSIVE,
        failure=Failure(reason, f"the verifier {name!r} failed: {what}", reason.remedy),
    )


async def _end(*tasks: "asyncio.Future[object] | asyncio.Task[object]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
