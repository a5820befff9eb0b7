"""What the real cosign 2.6.5 and 3.1.3 signed (examples/material), and the verdicts that cosign itself gave."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult, failures
from pyratify.core.store import Discovery
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
EXPECTED: dict[str, dict[str, str]] = json.loads((MATERIAL / "expected.json").read_text())
NAME = "org.opencontainers.image.ref.name"
ONE = ThresholdPolicy(Rule(None, (Rule("cosign"),), 1))
WHY = {
    "wrong-key": Reason.SIG_INVALID,
    "replayed": Reason.PAYLOAD_SUBJECT_MISMATCH,
    "replayed-v3": Reason.PAYLOAD_SUBJECT_MISMATCH,
}


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """The layout in memory, its cosign tags listed as a registry store would."""
    found = MemoryStore()
    for path in (MATERIAL / "layout" / "blobs" / "sha256").iterdir():
        found.blobs[Digest(f"sha256:{path.name}")] = path.read_bytes()
    for entry in json.loads((MATERIAL / "layout" / "index.json").read_text())["manifests"]:
        _add(found, entry)
    return found


def _add(store: MemoryStore, entry: dict[str, Any]) -> None:
    data = store.blobs[Digest(entry["digest"])]
    name = entry.get("annotations", {}).get(NAME)
    descriptor = store.add_manifest(data, tag=name)
    subject = json.loads(data).get("subject")
    if subject:
        store.list_under(Digest(subject["digest"]), Descriptor(*_three(entry)), Discovery.LAYOUT)
    elif name and name.endswith(".sig"):
        algorithm, _, value = name.removesuffix(".sig").partition("-")
        store.list_under(Digest(f"{algorithm}:{value}"), descriptor, Discovery.COSIGN_TAG)


def _three(entry: dict[str, Any]) -> tuple[str, Digest, int]:
    return entry["mediaType"], Digest(entry["digest"]), entry["size"]


async def validate(store: MemoryStore, tag: str, key: str = "cosign", **terms: Any) -> ValidationResult:
    """Ask for a signature by one of the material's keys."""
    material = KeyMaterial((MATERIAL / "keys" / f"{key}.pub").read_bytes(), f"{key}.pub")
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(material,), **terms)])
    executor = Executor(store=store, verifiers=(verifier,), policy=ONE)
    return await executor.validate(Reference.parse(f"pyratify.test/demo:{tag}"))


@pytest.mark.parametrize("tag", EXPECTED)
async def test_every_image_gets_the_verdict_of_cosign_itself(store: MemoryStore, tag: str) -> None:
    """`pass` is allowed; `fail` and `none` are denied and read differently."""
    result = await validate(store, tag)
    expected = EXPECTED[tag]["cosign"]
    assert result.error is None
    assert (result.decision is Decision.ALLOW) is (expected == "pass")
    reasons = {failure.reason for _, failure in failures(result.artifacts)}
    assert reasons == ({WHY[tag]} if expected == "fail" else set())


@pytest.mark.parametrize("tag", [tag for tag, expected in EXPECTED.items() if expected["cosign"] != "none"])
async def test_another_key_allows_only_what_it_signed(store: MemoryStore, tag: str) -> None:
    """The other pair of the material made one signature."""
    result = await validate(store, tag, "other")
    assert (result.decision is Decision.ALLOW) is (tag == "wrong-key")


async def test_both_formats_name_the_same_signer(store: MemoryStore) -> None:
    """A classic signature and a bundle by one key are one signer."""
    found = [
        verified.details.signers
        for tag in ("cosign-v2", "cosign-v3")
        for report in (await validate(store, tag)).artifacts
        for verified in report.results
        if verified.details is not None
    ]
    assert len(found) == 2
    assert found[0] == found[1]


@pytest.mark.parametrize(("tag", "allowed"), [("cosign-v2", Decision.ALLOW), ("cosign-v3", Decision.DENY)])
async def test_only_classic_signatures_name_a_repository(
    store: MemoryStore, tag: str, allowed: Decision
) -> None:
    """Cosign 3 signs none, so requiring it refuses its bundles."""
    assert (await validate(store, tag, require_docker_reference=True)).decision is allowed
