"""Documents that nothing signs, in engines as configurations make them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import open_engine
from pyratify.config.check import check_document
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sboms import spdx, spdx_package

SPDX = "application/spdx+json"


async def decided(folder: Path, policy: Any = None, kind: str = "sbom") -> ValidationResult:
    """Validate an image with an unsigned SBOM."""
    store = MemoryStore()
    image = store.add_image()
    store.attach(image, SPDX, (SPDX, spdx([spdx_package("musl")])))
    write_layout(store, folder / "layout")
    parameters: dict[str, Any] = (
        {"schemas": {SPDX: {"inline": {"type": "object"}}}} if kind == "schema" else {}
    )
    executor: dict[str, Any] = {
        "scopes": ["*"],
        "stores": [{"type": "filesystem-oci-store", "parameters": {"path": "layout"}}],
        "verifiers": [{"name": "documents", "type": kind, "parameters": parameters}],
    }
    if policy is not None:
        executor["policyEnforcer"] = {
            "type": "threshold-policy",
            "parameters": {"policy": {"rules": [policy]}},
        }
    (folder / "ratify.json").write_text(json.dumps({"executors": [executor]}))
    async with open_engine(folder / "ratify.json") as engine:
        return await engine.validate(f"registry.example.com/app@{image.digest}")


@pytest.mark.parametrize("kind", ["sbom", "schema"])
async def test_an_unsigned_document_is_not_enough(tmp_path: Path, kind: str) -> None:
    """A rule counts it where it is signed."""
    result = await decided(tmp_path, {"verifierName": "documents"}, kind)
    assert result.failure is not None, result
    assert (result.decision, result.failure.reason) == (Decision.DENY, Reason.EVIDENCE_UNSIGNED)


@pytest.mark.parametrize("kind", ["sbom", "schema"])
async def test_without_a_policy_verifiers_of_documents_are_refused(tmp_path: Path, kind: str) -> None:
    """Evidence of one verifier would be enough, and such evidence is no more than a wish."""
    with pytest.raises(ConfigurationError, match="no policyEnforcer says what vouches") as caught:
        await decided(tmp_path, None, kind)
    assert caught.value.path == "executors[0].verifiers[0]"
    faults = await check_document(json.loads((tmp_path / "ratify.json").read_text()), tmp_path)
    assert [fault.path for fault in faults] == ["executors[0].verifiers[0]"]


@pytest.mark.parametrize("kind", ["sbom", "schema"])
async def test_a_policy_can_say_that_it_counts_all_the_same(tmp_path: Path, kind: str) -> None:
    """In so many words."""
    result = await decided(tmp_path, {"verifierName": "documents", "requireSigned": False}, kind)
    assert result.decision is Decision.ALLOW


@pytest.mark.parametrize("kind", ["sbom", "schema"])
async def test_an_unsigned_document_lifts_no_prohibition(tmp_path: Path, kind: str) -> None:
    """In place of a bad one that was removed, any account that may push could attach a clean one."""
    counted = {"verifierName": "documents", "requireSigned": False}
    forbidding = {"verifierName": "documents", "deny": True, "reasons": ["SBOM_INVALID"]}
    result = await decided(tmp_path, {"rules": [counted, forbidding]}, kind)
    assert result.failure is not None, result
    assert (result.decision, result.failure.reason) == (Decision.DENY, Reason.EVIDENCE_UNSIGNED)
    trusting = {**forbidding, "requireSigned": False}
    assert (await decided(tmp_path, {"rules": [counted, trusting]}, kind)).decision is Decision.ALLOW
