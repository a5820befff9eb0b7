"""The artifact types of signatures, as they are announced; written here because what verifies them is imported late."""

NOTATION = "application/vnd.cncf.notary.signature"
BUNDLES = "application/vnd.dev.sigstore.bundle"
"""What the types of all versions of sigstore bundles begin with."""
