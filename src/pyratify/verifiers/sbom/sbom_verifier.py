"""The verifier of SBOMs that are attached as they are; all documents of an artifact must satisfy the rules."""

from dataclasses import replace

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import VerificationError
from pyratify.core.manifest import Manifest
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.sbom.read_sbom import MAX_BYTES, parse_sbom, read_sbom
from pyratify.evidence.sbom.sbom_rules import SbomRules
from pyratify.verifiers.attached_documents import documents_of, facts_together
from pyratify.verifiers.sbom.sbom_formats import SBOM_TYPES, announced_format, is_sbom

_MOST = 20  # documents of one artifact
_COUNTS = ("packages", "packagesWithoutLicense")


class SbomVerifier:
    """Judges attached SBOMs by rules.

    It says nothing about who made them: a policy asks for that with rules for what is attached to the SBOM.

    Args:
        name: The name by which policies refer to it.
        rules: What SBOMs must satisfy.
        artifact_types: The types of artifacts or layers that are SBOMs; the known ones when omitted.
        clock: For ages; the system clock when omitted.
    """

    def __init__(
        self,
        name: str,
        rules: SbomRules,
        artifact_types: frozenset[str] = SBOM_TYPES,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._rules = rules
        self._types = artifact_types
        self._clock = clock or SystemClock()

    def accepts(self, manifest: Manifest) -> bool:
        """Accept what declares to be an SBOM."""
        return is_sbom(manifest, self._types)

    async def verify(self, evidence: Evidence) -> Details:
        """Judge every document of an artifact.

        Raises:
            VerificationError: One of them is refused, or there is none.
            StoreError: One could not be read.
        """
        documents = documents_of(evidence.manifest)
        if not documents:
            raise VerificationError(Reason.SBOM_INVALID, "the artifact announces an SBOM and has no document")
        if len(documents) > _MOST:
            raise VerificationError(
                Reason.PARSE_LIMIT,
                f"the artifact has {len(documents)} documents, more than the {_MOST} allowed",
            )
        circumstances = Circumstances(
            evidence.subject, self._clock.now(), reference=evidence.reference, tag=evidence.tag
        )
        rules = _binding(self._rules, evidence.manifest)
        found = []
        # One after the other: each may take some 100 MiB while it is parsed.
        for layer in documents:
            data = await evidence.blob(layer, most=MAX_BYTES)
            announced = announced_format(evidence.manifest, layer)
            found.append(await offload(len(data), _judge, rules, data, announced, circumstances))
        return _details(found)


def _binding(rules: SbomRules, manifest: Manifest) -> SbomRules:
    # A tag of cosign's binds nothing: the document must name the image itself.
    return (
        rules
        if manifest.subject is not None
        else replace(rules, required=replace(rules.required, subject_digest=True))
    )


def _judge(rules: SbomRules, data: bytes, announced: str, circumstances: Circumstances) -> Judgement:
    sbom = read_sbom(parse_sbom(data))
    if announced and sbom.format.lower() != announced:
        raise VerificationError(
            Reason.SBOM_INVALID,
            f"the document is {sbom.format}, and its media type announces {announced}",
            remedy="Attach the SBOM under the media type of its format.",
        )
    return rules.judge_sbom(sbom, circumstances)


def _details(found: list[Judgement]) -> Details:
    facts = facts_together([each.facts for each in found], _COUNTS)
    packages = facts["packages"]
    if len(found) > 1:
        facts["documents"] = [dict(each.facts) for each in found]
    return Details(
        f"SBOM of {packages} {'package' if packages == 1 else 'packages'}: no license or package violation found",
        data=facts,
        valid_until=min((each.valid_until for each in found if each.valid_until), default=None),
    )
