"""Revocation of certificates: OCSP first, then revocation lists (RFC 6960, RFC 5280)."""
