"""`python -m bench [PART ...]` measures and prints tables in Markdown."""

import importlib
import sys

from bench.peers import PeerMissingError

PARTS = (
    "engine",
    "command",
    "trips",
    "scale",
    "repeated",
    "sigstore",
    "keyless",
    "attestation",
    "provider",
    "policies",
    "sboms",
    "reports",
    "node",
    "docker",
    "hostile",
    "imports",
)


def main() -> int:
    """Run the parts that are named, or all."""
    parts = sys.argv[1:] or PARTS
    missing = 0
    for part in parts:
        try:
            print(importlib.import_module(f"bench.{part}").report(), flush=True)
        except PeerMissingError as error:
            print(f"\n{part}: {error}", file=sys.stderr)
            missing = 1
    return missing


if __name__ == "__main__":
    sys.exit(main())
