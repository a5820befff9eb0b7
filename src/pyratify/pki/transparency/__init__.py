"""Transparency logs: Merkle proofs, checkpoints, signed entry timestamps, logged entries and certificate timestamps."""
