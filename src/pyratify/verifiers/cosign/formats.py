"""How cosign stores signatures: media types, annotations and bounds (cosign SIGNATURE_SPEC and BUNDLE_SPEC)."""

from pyratify.core.limits import MIB
from pyratify.core.manifest import Manifest

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLE_FAMILY = "application/vnd.dev.sigstore.bundle"
BUNDLE_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    BUNDLE,
)
IN_TOTO = "application/vnd.in-toto+json"
HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
MAX_PAYLOAD = MIB
MAX_BUNDLE = 4 * MIB


def is_bundle(manifest: Manifest) -> bool:
    """Tell whether the artifact says that it is a sigstore bundle, of whatever version."""
    return _has_type(manifest, BUNDLE_FAMILY)


def is_classic(manifest: Manifest) -> bool:
    """Tell whether the artifact says that it is a list of simple-signing signatures."""
    return manifest.artifact_type == SIGNATURE_ARTIFACT or any(
        layer.media_type == SIMPLE_SIGNING for layer in manifest.layers
    )


def _has_type(manifest: Manifest, family: str) -> bool:
    types = (manifest.artifact_type or "", *(layer.media_type for layer in manifest.layers))
    return any(media_type.startswith(family) for media_type in types)
