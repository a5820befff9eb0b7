"""How cosign attaches signatures: media types, annotations and bounds (cosign SIGNATURE_SPEC and BUNDLE_SPEC)."""

from pyratify.core.limits import MIB
from pyratify.core.manifest import Manifest
from pyratify.sigstore.media_types import BUNDLE_FAMILY

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
# SIGNATURE_SPEC's text says dev.cosignproject, its example and cosign itself dev.sigstore.
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
MAX_PAYLOAD = MIB


def is_bundle(manifest: Manifest) -> bool:
    """Return whether the manifest declares a sigstore bundle, of any version."""
    # By either place: what looks like a bundle must be judged, not passed over.
    return _has_type(manifest, BUNDLE_FAMILY)


def is_classic(manifest: Manifest) -> bool:
    """Return whether the manifest declares simple-signing signatures."""
    # Older cosign sets no artifactType.
    return manifest.artifact_type == SIGNATURE_ARTIFACT or any(
        layer.media_type == SIMPLE_SIGNING for layer in manifest.layers
    )


def _has_type(manifest: Manifest, family: str) -> bool:
    types = (manifest.artifact_type or "", *(layer.media_type for layer in manifest.layers))
    return any(media_type.startswith(family) for media_type in types)
