"""Vulnerability reports that real oras attaches and real cosign signs and attests, and VEX documents that cosign attests."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from interop import live
from interop.sigstore_scene import peer
from pyratify.testing.vulnerability import Vulnerability, openvex, sarif, trivy_report, vuln_predicate

pytestmark = pytest.mark.interop
KEY = str(live.signers.KEYS / "cosign.key")
PUBLIC = str(live.signers.KEYS / "cosign.pub")
OTHER = str(live.signers.KEYS / "other.key")
NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
DIRTY = Vulnerability("CVE-2021-44228", "critical")
CLEAN = Vulnerability("CVE-2000-0001", "low")
SARIF = "application/sarif+json"


class Scanned:
    """A repository whose images carry reports.

    Args:
        repository: Where the images are pushed.
        folder: For documents.
    """

    def __init__(self, repository: live.loopback.Repository, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        live.signers.write_json(folder / "config.json", live.signers.NO_LOG)

    def push(self, tag: str) -> str:
        """Push an image and return its digest."""
        self.repository.push_image(tag)
        return self.at(tag).partition("@")[2]

    def at(self, tag: str) -> str:
        """Return an image's name, by its digest."""
        return str(live.signers.at_digest(self.repository, tag))

    def write(self, name: str, document: Any) -> str:
        """Write a document and return its name."""
        (self.folder / name).write_text(json.dumps(document))
        return name

    def attach(self, tag: str, document: Any) -> str:
        """Have oras attach a report; return the digest of the artifact."""
        name = self.write(f"{tag}.sarif", document)
        done = live.command(
            str(live.loopback.PEERS / "oras"),
            "attach",
            "--plain-http",
            "--format=json",
            "--disable-path-validation",
            f"--artifact-type={SARIF}",
            f"--annotation=org.opencontainers.image.created={NOW}",
            self.at(tag),
            f"{self.folder / name}:{SARIF}",
        )
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["digest"])

    def sign(self, tag: str, digest: str, key: str = KEY) -> None:
        """Have cosign sign what is attached."""
        flags = ["--yes", "--key", key, f"--signing-config={self.folder / 'config.json'}"]
        done = peer("cosign", {}, "sign", *flags, f"{self.at(tag).partition('@')[0]}@{digest}")
        assert done.returncode == 0, done.stderr

    def attest(self, tag: str, kind: str, predicate: Any, key: str = KEY, program: str = "cosign") -> None:
        """Have cosign attach a statement."""
        file = self.folder / self.write(f"{tag}-{kind}.json", predicate)
        flags = ["--yes", "--key", key, "--predicate", str(file), "--type", kind]
        flags += (
            ["--tlog-upload=false"]
            if program == "cosign2"
            else [f"--signing-config={self.folder / 'config.json'}"]
        )
        done = peer(program, {}, "attest", *flags, self.at(tag))
        assert done.returncode == 0, done.stderr

    def verdict(self, tag: str, parameters: dict[str, Any], *, attested: bool = False) -> tuple[int, str]:
        """Return our exit code and the report under these rules."""
        trust = {"trustPolicies": [{"keys": {"files": [PUBLIC]}}]}
        scan: dict[str, Any] = {"name": "scan", "type": "vulnerability", "parameters": parameters}
        rule: dict[str, Any] = {"verifierName": "scan"}
        verifiers = [scan]
        if attested:
            scan |= {"type": "attestation", "parameters": {**trust, "vulnerability": parameters}}
        else:
            verifiers.append({"name": "cosign", "type": "cosign", "parameters": trust})
            rule["rules"] = [{"verifierName": "cosign"}]
        executor = {
            "scopes": [self.repository.name.partition("/")[0]],
            "stores": [{"type": "registry-store", "parameters": {"plainHttp": True, "allowCosignTag": True}}],
            "verifiers": verifiers,
            "policyEnforcer": {"type": "threshold-policy", "parameters": {"policy": {"rules": [rule]}}},
        }
        file = self.folder / self.write("ratify.json", {"executors": [executor]})
        answer = live.ratify("-c", str(file), "--no-cache", self.at(tag))
        assert answer.stderr == ""
        return answer.code, json.dumps(answer.only)


@pytest.fixture(scope="module", params=["referrers-api", "no-referrers-api"])
def scanned(
    request: pytest.FixtureRequest, peers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scanned]:
    """A registry with and without the referrers API."""
    folder = tmp_path_factory.mktemp("scanned")
    with live.running(request.param, folder) as repository:
        yield Scanned(repository, folder)


STRICT = {"deniedSeverities": ["critical"], "maximumAge": "24h", "scanners": ["trivy"]}


@pytest.mark.parametrize(
    ("name", "found", "key", "reason"),
    [
        ("clean", CLEAN, KEY, ""),
        ("dirty", DIRTY, KEY, "VULN_FOUND"),
        ("stranger", CLEAN, OTHER, "SIG_INVALID"),
        ("unsigned", CLEAN, "", "EVIDENCE_UNSIGNED"),
    ],
)
def test_a_report_that_oras_attaches_counts_with_cosigns_signature(
    scanned: Scanned, name: str, found: Vulnerability, key: str, reason: str
) -> None:
    """The signature is attached to the report."""
    scanned.push(f"raw-{name}")
    report = scanned.attach(f"raw-{name}", sarif([found]))
    if key:
        scanned.sign(f"raw-{name}", report, key)
    code, shown = scanned.verdict(f"raw-{name}", STRICT)
    assert (code == 0) is (not reason), shown
    assert reason in shown or "UNSATISFIED" in shown


@pytest.mark.parametrize("program", ["cosign", "cosign2"])
@pytest.mark.parametrize(("name", "found"), [("clean", CLEAN), ("dirty", DIRTY)])
def test_a_predicate_that_cosign_attests(
    scanned: Scanned, program: str, name: str, found: Vulnerability
) -> None:
    """`cosign attest --type vuln`, in both versions."""
    tag = f"{program}-{name}"
    scanned.push(tag)
    predicate = vuln_predicate(trivy_report(found, created=NOW), finished=NOW)
    scanned.attest(tag, "vuln", predicate, program=program)
    code, shown = scanned.verdict(tag, STRICT, attested=True)
    assert (code == 0) is (found is CLEAN), shown
    assert ("VULN_FOUND" in shown) is (found is DIRTY)


@pytest.mark.parametrize("attested", [True, False])
@pytest.mark.parametrize(
    ("name", "key", "status", "counts"),
    [
        ("trusted", KEY, "not_affected", True),
        ("stranger", OTHER, "not_affected", False),
        ("affected", KEY, "affected", False),
    ],
)
def test_a_vex_document_that_cosign_attests(
    scanned: Scanned, attested: bool, name: str, key: str, status: str, counts: bool
) -> None:
    """`cosign attest --type openvex` beside a dirty report."""
    tag = f"vex-{name}-{attested}".lower()
    digest = scanned.push(tag)
    if attested:
        scanned.attest(tag, "vuln", vuln_predicate(trivy_report(DIRTY, created=NOW), finished=NOW))
    else:
        scanned.sign(tag, scanned.attach(tag, sarif([DIRTY])))
    scanned.attest(tag, "openvex", openvex(digest, status=status, time=NOW), key)
    accepting = STRICT | {"vex": {"trustPolicies": [{"keys": {"files": [PUBLIC]}}]}}
    code, shown = scanned.verdict(tag, accepting, attested=attested)
    assert (code == 0) is counts, shown
