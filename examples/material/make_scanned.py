"""Makes `scanned/`, a layout with one image, its signature and a signed vulnerability report, with the peers and keys of this folder.

.venv/bin/python examples/material/make_scanned.py
"""

import tempfile
from pathlib import Path

from loopback import registry, run
from make_material import HERE, KEYS, NO_LOG, at_digest, cosign_v3, write_json

from pyratify.testing.vulnerability import Vulnerability, trivy_report, vuln_predicate

FOUND = (
    Vulnerability(published="2021-12-10T10:15:00Z"),
    Vulnerability("CVE-2022-48174", "low", "busybox", "1.36.1-r2", ""),
)


def main() -> None:
    """Push, sign, attest and copy."""
    with registry() as repository, tempfile.TemporaryDirectory() as folder:
        repository.push_image("scanned")
        cosign_v3(repository, "scanned")
        predicate, config = Path(folder) / "vuln.json", Path(folder) / "signing-config.json"
        write_json(predicate, vuln_predicate(trivy_report(*FOUND)))
        write_json(config, NO_LOG)
        flags = ("--yes", f"--signing-config={config}", "--key", str(KEYS / "cosign.key"))
        what = ("--type", "vuln", "--predicate", str(predicate), at_digest(repository, "scanned"))
        run("cosign", "attest", *flags, *what)
        layout = f"{HERE / 'scanned'}:scanned"
        run("oras", "cp", "-r", "--from-plain-http", f"{repository.name}:scanned", "--to-oci-layout", layout)


if __name__ == "__main__":
    main()
