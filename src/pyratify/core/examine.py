"""Examines one artifact: reads its manifest, checks what it is attached to, and runs the verifiers on it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from pyratify.core.attachment import check_subject
from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError, VerificationError
from pyratify.core.invoke import invoke
from pyratify.core.isolation import as_failure
from pyratify.core.manifest import Manifest, check_annotations, parse_manifest
from pyratify.core.offload import offload
from pyratify.core.policy import Chain, PolicyEnforcer
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.store import Discovery, Referrer
from pyratify.core.verifier import Evidence, Siblings, Verifier


@dataclass(frozen=True, slots=True)
class Place:
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

    def below(self, report: ArtifactReport) -> "Place":
        """Return the position of the artifacts that are attached to an artifact here."""
        return self.beside(self.reference, report.artifact, (*self.chain, report))

    def beside(self, reference: Reference, subject: Descriptor, chain: Chain) -> "Place":
        """Return the position of the artifacts that are attached to a known subject."""
        known: asyncio.Future[Descriptor] = asyncio.get_running_loop().create_future()
        known.set_result(subject)
        # By digest from here on: a tag may be moved while the tree is walked.
        return Place(reference.at(subject.digest), known, chain, (*self.path, subject.digest))


@dataclass(frozen=True, slots=True)
class Examiner:
    """Examines artifacts with the verifiers that the policy wants at their position.

    Attributes:
        verifiers: The executor's verifiers by name.
        policy: Says which verifiers matter.
    """

    verifiers: Mapping[str, Verifier]
    policy: PolicyEnforcer

    async def examine(
        self,
        place: Place,
        referrer: Referrer,
        content: Content,
        tag: str | None,
        siblings: Siblings | None = None,
    ) -> ArtifactReport:
        """Return the report of one artifact, without what is attached to it; the tag is that by which it was asked for."""
        try:
            evidence = await read_evidence(place, referrer, content, tag, siblings)
        except RatifyError as error:
            # The publisher's fault is final; what could not be read leaves the artifact undecided.
            outcome = Outcome.FAILED if isinstance(error, VerificationError) else Outcome.INCONCLUSIVE
            announced = ArtifactReport(place.reference, referrer.descriptor, referrer.discovery)
            return failed(announced, outcome, error)
        results = await self._verify(evidence, place.chain)
        manifest = evidence.manifest
        tagged = manifest.layers if referrer.discovery is Discovery.COSIGN_TAG else ()
        return ArtifactReport(
            place.reference,
            manifest.descriptor,
            referrer.discovery,
            results,
            layer_types=frozenset([layer.media_type for layer in tagged]),
        )

    async def _verify(self, evidence: Evidence, chain: Chain) -> tuple[VerifierResult, ...]:
        wanted = self.policy.wants(chain)
        asked = [
            await invoke(name, verifier, evidence)
            for name, verifier in self.verifiers.items()
            if wanted is None or name in wanted
        ]
        return tuple(result for result in asked if result is not None)


async def read_evidence(
    place: Place,
    referrer: Referrer,
    content: Content,
    tag: str | None = None,
    siblings: Siblings | None = None,
) -> Evidence:
    """Return what is attached at a position, once it is known to be attached there.

    Raises:
        StoreError: It could not be read.
        VerificationError: It is no manifest, or attached to something else.
    """
    subject = await asyncio.shield(place.subject)  # all artifacts await it: none may cancel it
    manifest = await _manifest(place, referrer, content)
    check_annotations(manifest)
    check_subject(manifest, subject, referrer.discovery)
    return Evidence(place.reference, subject, manifest, content, tag, siblings)


async def read_manifest(content: Content, reference: Reference, descriptor: Descriptor) -> Manifest:
    """Return a manifest, checked against its descriptor and parsed.

    Raises:
        StoreError: It could not be read.
        InvalidManifest: It is none.
    """
    data = await content.manifest(reference, descriptor)
    return await offload(len(data), parse_manifest, data, descriptor)


async def _manifest(place: Place, referrer: Referrer, content: Content) -> Manifest:
    if referrer.manifest is None:
        return await read_manifest(content, place.reference, referrer.descriptor)
    # Bytes that come with a listing are compared with the digest, too: the store is not trusted.
    data = await content.accept(referrer.manifest, referrer.descriptor)
    return await offload(len(data), parse_manifest, data, referrer.descriptor)


def failed(report: ArtifactReport, outcome: Outcome, error: RatifyError) -> ArtifactReport:
    """Return the report of an artifact that could not be offered to a verifier."""
    return replace(report, outcome=outcome, failure=as_failure(error))
