"""Renderers: they see the result and nothing else."""
