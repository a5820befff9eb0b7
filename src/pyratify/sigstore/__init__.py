"""Sigstore bundles, from bytes to a verified signer, statement and facts.

No registry in sight (sigstore client specification).
"""
