"""Entry points: the ways to ask the engine."""
