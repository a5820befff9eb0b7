"""A verifier for pyratify: detached Ed25519 signatures of OCI artifacts."""
