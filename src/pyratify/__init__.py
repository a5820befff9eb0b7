"""pyratify: decides from signatures and attestations whether an OCI artifact may be trusted."""
