"""The verifier of Notary Project signatures."""
