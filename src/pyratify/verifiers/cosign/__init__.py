"""The verifier of Cosign signatures and Sigstore bundles."""
