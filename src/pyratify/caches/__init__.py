"""Caches of verdicts and content: in memory, on disk, and signed entries in a Redis or Valkey that need not be trusted."""
