"""SBOMs from files, and from what is attached to references; unverified."""

from argparse import Namespace
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, RatifyError, VerificationError
from pyratify.core.files import UnreadableFile
from pyratify.core.manifest import Manifest
from pyratify.core.offload import offload
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.cli.decode.sbom_contents import sbom_in
from pyratify.evidence.sbom.document import Sbom
from pyratify.evidence.sbom.read_sbom import MAX_BYTES
from pyratify.terminal.console import Console
from pyratify.terminal.inputs import input_name, read_input
from pyratify.verifiers.attached_documents import plain_type
from pyratify.verifiers.sbom.sbom_formats import SBOM_TYPES

_SIGNED = (
    "application/vnd.dev.sigstore.bundle",
    "application/vnd.dsse.envelope.v1+json",
    "application/vnd.in-toto+json",
)
_MAX_LAYERS = 50  # an attached manifest may list thousands, each of them a request


@dataclass(frozen=True, slots=True)
class Found:
    """An SBOM and where it is from.

    Attributes:
        origin: The file, or the digest of the artifact.
        sbom: What it says; None where it could not be read.
        fault: Why not.
    """

    origin: str
    sbom: Sbom | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SbomCollector:
    """A verifier that keeps every SBOM it is shown and trusts none.

    Attributes:
        found: What was kept.
    """

    found: list[Found] = field(default_factory=list)
    name: str = "sbom"

    def accepts(self, manifest: Manifest) -> bool:
        """Accept what has layers that may hold an SBOM."""
        return not manifest.is_index and any(map(_may_hold, _types(manifest)))

    async def verify(self, evidence: Evidence) -> Details:
        """Keep the SBOMs of an artifact."""
        origin = str(evidence.manifest.descriptor.digest)
        for layer, kind in zip(
            evidence.manifest.layers, _types(evidence.manifest)[:_MAX_LAYERS], strict=False
        ):
            if not _may_hold(kind):
                continue
            try:
                data = await evidence.blob(layer, most=MAX_BYTES)
                # In a thread where it is large: parsing would stop the loop, and with it all other requests.
                sbom = await offload(len(data), sbom_in, data)
            # Shown beside the others: one that cannot be read must not end the run.
            except RatifyError as error:
                self.found.append(Found(origin, None, error.message))
                continue
            if sbom is not None:
                self.found.append(Found(origin, sbom))
        return Details("read")


async def attached_sboms(arguments: Namespace, console: Console, text: str) -> list[Found]:
    """Return every SBOM that is attached to a reference.

    Raises:
        RatifyError: The reference is none, or could not be read.
    """
    from pyratify.entrypoints.cli.engines.read_only import reading_session
    from pyratify.entrypoints.cli.targets import parse_target

    collector, target = SbomCollector(), parse_target(text)
    async with reading_session(arguments, console, target, collector) as session:
        result = await session.validate(target)
    failure = result.error or (result.failure if not result.subject else None)
    if failure is not None:
        raise RatifyError(failure.reason, failure.message, remedy=failure.remedy)
    # Artifacts are read concurrently, and end in any order.
    return sorted(collector.found, key=lambda each: each.origin)


def file_sbom(path: str) -> Sbom:
    """Return the SBOM in a file, or in the signed statement that the file holds.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    try:
        found = sbom_in(read_input(path, MAX_BYTES))
    except (UnreadableFile, VerificationError) as error:
        message = error.message if isinstance(error, VerificationError) else str(error)
        joint = ": " if isinstance(error, VerificationError) else " "
        raise ConfigurationError(f"{input_name(path)}{joint}{message}", remedy=error.remedy) from None
    if found is None:
        raise ConfigurationError(
            f"{input_name(path)} holds a statement of another type",
            remedy="Give an SBOM in SPDX or CycloneDX (JSON), or a statement with one.",
        )
    return found


def _types(manifest: Manifest) -> list[str]:
    """Return what says how each layer is read: its type, or that of the artifact where the layer's says nothing, as for the verifier."""
    own = manifest.artifact_type or ""
    return [each.media_type if _may_hold(each.media_type) else own for each in manifest.layers]


def _may_hold(media_type: str) -> bool:
    media_type = plain_type(media_type)
    return media_type in SBOM_TYPES or media_type.startswith(_SIGNED)
