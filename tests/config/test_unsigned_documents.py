"""Documents that nothing signs, in engines as configurations make them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import open_engine
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
@pytest.mark.parametrize("policy", [None, {"verifierName": "documents"}], ids=["no policy", "a rule"])
async def test_an_unsigned_document_is_not_enough(tmp_path: Path, kind: str, policy: Any) -> None:
    """Also where no policy is configured, so that evidence of one verifier is enough."""
    result = await decided(tmp_path, policy, kind)
    assert result.failure is not None, result
    assert (result.decision, result.failure.reason) == (Decision.DENY, Reason.EVIDENCE_UNSIGNED)


@pytest.mark.parametrize("kind", ["sbom", "schema"])
async def test_a_policy_can_say_that_it_counts_all_the_same(tmp_path: Path, kind: str) -> None:
    """In so many words."""
    result = await decided(tmp_path, {"verifierName": "documents", "requireSigned": False}, kind)
    assert result.decision is Decision.ALLOW
