"""The command `ratify`."""
