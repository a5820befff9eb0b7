"""Renderers: pure functions from a `ValidationResult` to text."""

BUILT_IN = ("text", "tree", "json")
"""Names found without scanning installed packages, which takes as long as a round trip; no package can replace them."""
