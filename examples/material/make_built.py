"""Make the layout `built/` again: an image with provenance in a statement that cosign signed.

    .venv/bin/python examples/material/make_built.py

`make peers` builds cosign, crane and oras. The keys are those of `make_material.py`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from loopback import Repository, registry, run
from make_material import HERE, KEYS, NO_LOG, at_digest, write_json

LAYOUT = HERE / "built"
TAG = "v1.4.0"


def main() -> None:
    """Push, attest and copy."""
    shutil.rmtree(LAYOUT, ignore_errors=True)
    with registry() as repository:
        repository.push_image(TAG)
        attest(repository)
        source = ("--from-plain-http", f"{repository.name}:{TAG}")
        run("oras", "cp", "-r", *source, "--to-oci-layout", f"{LAYOUT}:{TAG}")
    shutil.rmtree(LAYOUT / "ingest", ignore_errors=True)


def attest(repository: Repository) -> None:
    """Attach `provenance.json` in a statement by the trusted key."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "signing-config.json"
        write_json(config, NO_LOG)
        flags = ("--yes", f"--signing-config={config}", "--key", str(KEYS / "cosign.key"))
        predicate = ("--predicate", str(HERE / "provenance.json"), "--type", "slsaprovenance1")
        run("cosign", "attest", *flags, *predicate, at_digest(repository, TAG))


if __name__ == "__main__":
    main()
