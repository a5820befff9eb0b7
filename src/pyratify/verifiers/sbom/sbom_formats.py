"""The media types under which SBOMs are attached."""

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import Manifest
from pyratify.verifiers.attached_documents import plain_type

SBOM_TYPES = frozenset(
    {
        "application/spdx+json",
        "text/spdx+json",
        "application/vnd.cyclonedx+json",
        "application/vnd.ratify.spdx.v0",
        # Accepted so that they are refused with a reason: no other verifier speaks of them.
        "application/vnd.cyclonedx+xml",
        "application/vnd.cyclonedx",
        "application/spdx+xml",
        "text/spdx+xml",
        "text/spdx",
    }
)


def is_sbom(manifest: Manifest, types: frozenset[str]) -> bool:
    """Return whether a manifest, or a layer of it, says that it is an SBOM; cosign's `.sbom` tags have layers that do."""
    if manifest.is_index:
        return False
    return plain_type(manifest.artifact_type) in types or any(
        plain_type(each.media_type) in types for each in manifest.layers
    )


def announced_format(manifest: Manifest, layer: Descriptor) -> str:
    """Return the format that media types announce, `spdx` or `cyclonedx`; empty where they announce none."""
    for text in map(plain_type, (layer.media_type, manifest.artifact_type)):
        found = next((name for name in ("spdx", "cyclonedx") if name in text), "")
        if found:
            return found
    return ""
