"""Configuration: from a file to an engine."""
