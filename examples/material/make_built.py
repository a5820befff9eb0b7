"""Make the layout `built/` again: an image with provenance in a statement that cosign signed.

    .venv/bin/python examples/material/make_built.py

`make peers` builds cosign, crane and oras. The keys are those of `make_material.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from loopback import registry
from make_material import HERE, attest, copy_alone

TAG = "v1.4.0"


def main() -> None:
    """Push, attest and copy."""
    with registry() as repository:
        repository.push_image(TAG)
        attest(repository, TAG, "slsaprovenance1", HERE / "provenance.json")
        copy_alone(repository, TAG, HERE / "built")


if __name__ == "__main__":
    main()
