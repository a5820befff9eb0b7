"""Make the layout `documents/` again: an image that cosign signed, with an SBOM in a statement that it signed too.

    .venv/bin/python examples/material/make_documents.py

`make peers` builds cosign, crane and oras. The keys are those of `make_material.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from loopback import registry
from make_material import HERE, attest, copy_alone, cosign_v3

TAG = "sbom"


def main() -> None:
    """Push, sign, attest and copy."""
    with registry() as repository:
        repository.push_image(TAG)
        cosign_v3(repository, TAG)
        attest(repository, TAG, "spdxjson", HERE / "sbom.spdx.json")
        copy_alone(repository, TAG, HERE / "documents")


if __name__ == "__main__":
    main()
