"""The one bounded HTTP client, for registries, OCSP and revocation lists.

Transport, wire format, TLS, proxies, redirects, retries, and which addresses may be dialled.
"""
