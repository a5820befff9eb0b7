"""Where containerd keeps things, for flags that import nothing else."""

CONFIG = "/etc/containerd/config.toml"
PLUGIN = "io.containerd.image-verifier.v1.bindir"
BIN_DIR = "/opt/containerd/image-verifier/bin"
PROGRAM = "00-ratify"
"""The first by name: with `max_verifiers` containerd skips the last ones."""
