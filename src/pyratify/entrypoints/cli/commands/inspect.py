"""`ratify inspect`: take signatures and documents apart without judging them."""

import asyncio
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import FileTooLarge, UnreadableFile
from pyratify.core.manifest import Manifest
from pyratify.core.report import ArtifactReport, ValidationResult, flatten
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.cli.decode.artifacts import decode_artifact, kinds
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.cli.file_or_reference import is_file
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.terminal import exits
from pyratify.terminal.console import Console
from pyratify.terminal.inputs import input_name, read_input

if TYPE_CHECKING:
    from pyratify.entrypoints.cli.targets import Target

_MAX_FILE = 32 * 1024 * 1024
_MAX_LAYERS = 50  # an attached manifest may list thousands, each of them a request


def run(arguments: Namespace, console: Console) -> int:
    """Print what a file or everything attached to a reference says, and return the exit code."""
    if arguments.sbom:
        from pyratify.entrypoints.cli.list_packages import list_packages  # SBOMs alone

        return list_packages(arguments, console)
    if is_file(arguments.target):
        show(console, arguments.output, _file(arguments.target))
        return exits.ALLOWED
    from pyratify.entrypoints.cli.targets import parse_target

    result = asyncio.run(_attached(arguments, console, parse_target(arguments.target)))
    failure = result.error or (result.failure if not result.subject else None)
    if failure is not None:
        console.fault(f"{failure.message} [{failure.reason}]", failure.remedy, debug=False)
        return exits.UNDECIDED
    found = [_report(report) for report in flatten(result.artifacts)]
    facts = {
        "reference": clean(str(result.reference), MAX_REFERENCE),
        "digest": result.subject.digest if result.subject else None,
        "attached": found,
    }
    show(console, arguments.output, facts)
    return exits.ALLOWED


class DecodingVerifier:
    """A verifier that takes every artifact apart and trusts none; its results are facts and no verdicts."""

    name = "inspect"

    def accepts(self, manifest: Manifest) -> bool:
        """Accept everything."""
        del manifest
        return True

    async def verify(self, evidence: Evidence) -> Details:
        """Decode the layers of an artifact."""
        found = []
        for layer in evidence.manifest.layers[:_MAX_LAYERS]:
            # Asked with no bytes: a layer of unknown kind, perhaps of gigabytes, is not fetched at all.
            kind = _type_of(layer.media_type, evidence.manifest)
            if kind is None:
                found.append({"kind": "unknown", "mediaType": layer.media_type, "bytes": layer.size})
                continue
            data = await evidence.blob(layer)
            found.append(decode_artifact(data, kind, layer.annotations) or {})
        return Details("taken apart", data={"contents": found})


def _type_of(layer: str, manifest: Manifest) -> str | None:
    """Return the type that says how a layer is read: its own, or the artifact's, as verifiers of documents take it; None where both are unknown."""
    types = (layer, manifest.artifact_type or "")
    return next((each for each in types if each and decode_artifact(b"", each) is not None), None)


def _file(target: str) -> Mapping[str, Any]:
    data = _read(target)
    found = decode_artifact(data)
    if found is None:
        raise ConfigurationError(
            f"{target} is nothing that can be taken apart", remedy=f"Known are: {', '.join(kinds())}."
        )
    return {"file": clean(target, MAX_REFERENCE), **found}


def _read(target: str) -> bytes:
    try:
        return read_input(target, _MAX_FILE)
    except FileTooLarge as error:
        raise ConfigurationError(
            f"{input_name(target)} {error}", remedy="Give the signature itself, and not what it signs."
        ) from None
    except UnreadableFile as error:
        raise ConfigurationError(f"{input_name(target)} {error}", remedy=error.remedy) from None


async def _attached(arguments: Namespace, console: Console, target: "Target") -> ValidationResult:
    from pyratify.entrypoints.cli.engines.read_only import reading_session

    async with reading_session(arguments, console, target, DecodingVerifier()) as session:
        return await session.validate(target)


def _report(report: ArtifactReport) -> dict[str, Any]:
    found: dict[str, Any] = {
        "artifact": report.artifact.digest,
        "artifactType": clean(report.artifact.artifact_type or report.artifact.media_type),
        "attachedTo": report.subject.digest,
        "discovery": report.discovery.value,
    }
    if report.failure is not None:
        found["error"] = clean(report.failure.message)
    for item in report.results:
        if item.details is not None:
            found |= item.details.data
        elif item.failure is not None:
            found["error"] = clean(item.failure.message)
    return found
