"""Executor and NamespacedExecutor: read, built into engines, and answered in their status."""
