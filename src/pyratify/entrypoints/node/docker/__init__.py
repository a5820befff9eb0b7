"""Docker: what its daemon asks an authorization plugin, and which images a request would run."""
