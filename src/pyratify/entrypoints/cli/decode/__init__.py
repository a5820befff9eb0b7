"""Decoding of signatures for `ratify inspect` and `verify-file`; nothing here verifies."""
