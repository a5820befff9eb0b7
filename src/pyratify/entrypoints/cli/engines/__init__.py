"""Engines of commands: from a configuration file, or from flags alone."""
