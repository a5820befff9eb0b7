"""The verifier of in-toto attestations."""
