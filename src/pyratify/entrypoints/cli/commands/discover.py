"""`ratify discover`: show everything that is attached to a reference."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator

from pyratify.core.manifest import Manifest
from pyratify.core.report import ValidationResult
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.cli.engines.read_only import reading_session
from pyratify.entrypoints.cli.targets import Target, parse_target
from pyratify.render.attached import OTHER
from pyratify.render.plain import clean
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
        return Details(kind_of(evidence.manifest))


def kind_of(manifest: Manifest) -> str:
    """Return what an artifact is by its media types, and what its statements are by its annotations; hints, and nothing is checked."""
    types = (manifest.artifact_type or "", *(layer.media_type for layer in manifest.layers))
    kinds = (kind for kind, words in _KINDS for each in types if any(word in each for word in words))
    kind = next(kinds, OTHER)
    said = tuple(dict.fromkeys(_statements(manifest)))
    return f"{kind} ({', '.join(said)})" if said else kind


def _statements(manifest: Manifest) -> Iterator[str]:
    """Iterate over the kinds of statements that annotations announce: of BuildKit, of cosign v3, of cosign v2."""
    marked = (manifest.annotations, *(layer.annotations for layer in manifest.layers[:_MAX_LAYERS]))
    for annotations in marked:
        for key in _PREDICATES:
            if predicate := annotations.get(key):
                words = (word for prefix, word in _STATEMENTS if predicate.startswith(prefix))
                yield next(words, clean(predicate, 120))


_MAX_LAYERS = 20
_PREDICATES = ("in-toto.io/predicate-type", "dev.sigstore.bundle.predicateType", "predicateType")
# The beginnings of predicate types, as versions differ.
_STATEMENTS = (
    ("https://slsa.dev/provenance/", "provenance"),
    ("https://slsa.dev/verification_summary/", "verification summary"),
    ("https://spdx.dev/Document", "SPDX SBOM"),
    ("https://cyclonedx.org/vex", "CycloneDX VEX"),
    ("https://cyclonedx.org/", "CycloneDX SBOM"),
    ("https://cosign.sigstore.dev/attestation/vuln/", "vulnerability report"),
    ("https://in-toto.io/attestation/vulns", "vulnerability report"),
    ("https://openvex.dev/ns", "OpenVEX"),
    ("https://in-toto.io/attestation/release", "release"),
    ("https://sigstore.dev/cosign/sign/", "signature"),
)
# Parts of media types, since versions and suffixes (+json, .v0.3) differ between tools.
_KINDS = (
    ("signature", ("cosign.simplesigning", "cosign.artifact.sig", "cncf.notary.signature")),
    ("bundle", ("sigstore.bundle",)),
    ("attestation", ("dsse.envelope", "in-toto", "slsa/attestation")),
    ("sbom", ("spdx", "cyclonedx", "syft")),
    ("vulnerability report", ("sarif", "trivy.report", "grype.report", "cosign.vuln", "security.vuln")),
    ("vex", ("openvex",)),
)


async def _discover(arguments: Namespace, console: Console, target: Target) -> ValidationResult:
    async with reading_session(arguments, console, target, Kinds(), whole_index=True) as session:
        return await session.validate(target)
