"""Makes `scanned/`, a layout with one image, its signature and a signed vulnerability report, with the peers and keys of this folder.

.venv/bin/python examples/material/make_scanned.py
"""

import tempfile
from pathlib import Path

from loopback import registry
from make_material import HERE, attest, copy_alone, cosign_v3, write_json

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
        predicate = Path(folder) / "vuln.json"
        write_json(predicate, vuln_predicate(trivy_report(*FOUND)))
        attest(repository, "scanned", "vuln", predicate)
        copy_alone(repository, "scanned", HERE / "scanned")


if __name__ == "__main__":
    main()
