"""`ratify discover`: show everything that is attached to a reference."""

import asyncio
from argparse import Namespace

from pyratify.core.manifest import Manifest
from pyratify.core.report import ValidationResult
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.cli.engines.read_only import reading_session
from pyratify.entrypoints.cli.targets import Target, parse_target
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print what is attached and return the exit code."""
    from pyratify.render.attached import render_json, render_lines, render_tree

    result = asyncio.run(_discover(arguments, console, parse_target(arguments.reference)))
    # Nothing is decided here: only a reference that does not resolve is a failure.
    failure = result.error or (result.failure if not result.subject else None)
    if failure is not None:
        console.fault(f"{failure.message} [{failure.reason}]", failure.remedy, debug=False)
    if result.subject is not None:
        renderers = {"json": render_json, "tree": render_tree, "text": render_lines}
        console.result(renderers[arguments.output](result))
    return exits.UNDECIDED if failure is not None else exits.ALLOWED


class Kinds:
    """A verifier that says what an artifact is by its media types, and judges nothing."""

    name = "kind"

    def accepts(self, manifest: Manifest) -> bool:
        """Accept everything."""
        del manifest
        return True

    async def verify(self, evidence: Evidence) -> Details:
        """Return the kind as the description."""
        layers = evidence.manifest.layers
        types = (evidence.manifest.artifact_type or "", *(layer.media_type for layer in layers))
        kinds = (kind for kind, words in _KINDS for each in types if any(word in each for word in words))
        return Details(next(kinds, "other"))


# Parts of media types, since versions and suffixes (+json, .v0.3) differ between tools.
_KINDS = (
    ("signature", ("cosign.simplesigning", "cosign.artifact.sig", "cncf.notary.signature")),
    ("bundle", ("sigstore.bundle",)),
    ("attestation", ("dsse.envelope", "in-toto")),
    ("sbom", ("spdx", "cyclonedx", "syft")),
)


async def _discover(arguments: Namespace, console: Console, target: Target) -> ValidationResult:
    async with reading_session(arguments, console, target, Kinds()) as session:
        return await session.validate(target)
