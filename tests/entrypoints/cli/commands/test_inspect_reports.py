"""`ratify inspect` of vulnerability reports and VEX documents: counts, age and the worst first."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pyratify.testing.attestations import attach_attestation, bundle, in_toto
from pyratify.testing.cosign import CosignKey
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore
from pyratify.testing.vulnerability import (
    Vulnerability,
    cyclonedx_vex,
    grype_report,
    openvex,
    sarif,
    trivy_report,
    vuln_predicate,
)

Run = Callable[..., tuple[int, str, str]]
MANY = [Vulnerability(f"CVE-2020-{1000 + index}", "low") for index in range(20)] + [Vulnerability()]


@pytest.mark.parametrize(
    "document",
    [sarif(MANY), trivy_report(*MANY), grype_report(*MANY), vuln_predicate(trivy_report(*MANY))],
    ids=["sarif", "trivy", "grype", "predicate"],
)
def test_a_report_is_counted_and_its_worst_findings_stand_first(
    tmp_path: Path, run: Run, document: dict[str, Any]
) -> None:
    """In every format."""
    file = tmp_path / "report.json"
    file.write_text(json.dumps(document))
    code, out, _ = run("inspect", str(file), "-o", "json")
    found = json.loads(out)
    assert code == 0
    assert found["kind"] == "vulnerability report"
    assert (found["findings"], found["critical"], found["low"], found["fixable"]) == (21, 1, 20, 21)
    assert found["worst"][0].startswith(
        "CVE-2021-44228 (critical) in log4j-core 2.14.1, fixed in 2.15.0, at "
    )
    assert (len(found["worst"]), found["notShown"]) == (10, 11)


def test_what_is_attached_is_shown_for_people(tmp_path: Path, run: Run) -> None:
    """A report as it is, one in an attestation, and a VEX document."""
    store, key = MemoryStore(), CosignKey.generate()
    image = store.add_image()
    kind = "application/sarif+json"
    store.attach(image, kind, (kind, json.dumps(sarif([Vulnerability()])).encode()))
    vuln = "https://cosign.sigstore.dev/attestation/vuln/v1"
    for predicate_type, predicate in (
        (vuln, vuln_predicate(trivy_report(Vulnerability("CVE-2020-0007", "high")))),
        ("https://openvex.dev/ns", openvex(str(image.digest))),
        (vuln, {}),
    ):
        attach_attestation(store, image, bundle(key, in_toto(image.digest, predicate_type, predicate)))
    write_layout(store, tmp_path / "layout")
    code, out, _ = run("inspect", f"oci:{tmp_path / 'layout'}@{image.digest}")
    assert code == 0
    assert "CVE-2021-44228 (critical) in log4j-core" in out
    assert "CVE-2020-0007 (high)" in out
    assert f"CVE-2021-44228: not_affected of {image.digest}" in out
    assert "the document has no known format" in out


def test_a_report_that_is_none_says_why(tmp_path: Path, run: Run) -> None:
    """A malformed document is a fact beside the others."""
    file = tmp_path / "report.json"
    file.write_text('{"runs": []}')
    code, out, _ = run("inspect", str(file))
    assert code == 0
    assert "its SARIF version is" in out


def test_analyses_in_an_sbom_are_shown_too(tmp_path: Path, run: Run) -> None:
    """CycloneDX has both in one document."""
    file = tmp_path / "vex.cdx.json"
    file.write_text(json.dumps(cyclonedx_vex("sha256:" + "ab" * 32)))
    _, out, _ = run("inspect", str(file), "-o", "json")
    found = json.loads(out)
    assert found["kind"] == "SBOM"
    assert found["analyses"]["not_affected"] == 1
    assert found["analyses"]["statements"][0].startswith("CVE-2021-44228: not_affected of sha256:abab")


@pytest.mark.parametrize(
    ("hours", "said"),
    [(1, "less than a day"), (25, "1 day"), (49, "2 days"), (-1, "none yet: it is dated in the future")],
)
def test_the_age_of_a_document_is_said_in_words(tmp_path: Path, run: Run, hours: int, said: str) -> None:
    """Also of one that is dated in the future, which no verifier accepts."""
    created = datetime.now(UTC) - timedelta(hours=hours)
    file = tmp_path / "report.json"
    file.write_text(json.dumps(trivy_report(Vulnerability(), created=created.strftime("%Y-%m-%dT%H:%M:%SZ"))))
    assert json.loads(run("inspect", str(file), "-o", "json")[1])["age"] == said
