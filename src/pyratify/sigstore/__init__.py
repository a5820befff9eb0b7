"""Sigstore bundles, from bytes to a verified signer and claim (sigstore client specification); without a registry.

In reading order: `bundle`, `signed_content`, `authenticator`, `key_authenticator`, `certificate_authenticator`,
`verification_steps`, `signature_proofs`, `in_toto`; what is trusted: `requirements`, `identity`, `trusted_material`.
"""
