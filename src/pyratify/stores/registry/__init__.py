"""The registry store: an OCI distribution client that lists referrers and checks digests."""
