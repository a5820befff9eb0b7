"""Media types and hashes of sigstore bundles (sigstore protobuf-specs; cosign BUNDLE_SPEC)."""

from pyratify.core.limits import MIB

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLE_FAMILY = "application/vnd.dev.sigstore.bundle"
# In the order of their versions: the index says which requirements apply (`bundle.py`).
BUNDLE_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    BUNDLE,
)
IN_TOTO = "application/vnd.in-toto+json"
# The names that protobuf's JSON mapping has for the enum HashAlgorithm.
HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
MAX_BUNDLE = 4 * MIB  # a hostile bundle of 32 MiB took a process from 56 to 1,240 MiB
