"""Gatekeeper's external data provider: `/ratify/gatekeeper/v2/verify` and `/v2/mutate`, and v1's shape for migration."""
