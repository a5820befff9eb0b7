"""Secrets as sources of credentials, keys and certificates."""
