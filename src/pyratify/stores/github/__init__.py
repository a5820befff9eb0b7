"""GitHub's attestations as a store beside a registry."""
