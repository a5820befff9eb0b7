"""Media types and hashes of sigstore bundles (sigstore protobuf-specs; cosign BUNDLE_SPEC)."""

from pyratify.core.limits import MIB

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
MAX_BUNDLE = 4 * MIB
