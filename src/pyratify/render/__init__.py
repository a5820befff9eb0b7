"""Renderers: they see the result and nothing else."""

BUILT_IN = ("text", "tree", "json")
"""Found without looking at what is installed, which takes as long as a round trip; no package can take their place."""
