"""One rule in four languages, as the documentation has it: they decide alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")
pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.config.decode import decode
from pyratify.config.yaml import loads
from pyratify.core.plugin import Plugin, Registry
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.report import ArtifactReport, Decision, Verdict
from pyratify.core.shared_resources import Shared
from pyratify.policies.artifact_kind import COSIGN_SIGNATURE
from pyratify.testing.contracts import SUBJECT
from support.policy_reports import failed, inconclusive, passed, report, unread

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"
SPDX = "application/spdx+json"
SIGNATURES = ((), (passed("cosign", "k"),), (failed("cosign"),), (inconclusive("cosign"),))
DOCUMENTS = ((), (passed("sbom", "k"),), (failed("sbom"),), (inconclusive("sbom"),))


@dataclass(frozen=True)
class _Resources:
    base: Path = Path()
    verifiers: tuple[str, ...] = ("cosign", "sbom")
    verifier_types: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"cosign": "cosign", "sbom": "sbom"})
    )
    shared: Shared = field(default_factory=Shared)


async def policies() -> list[PolicyEnforcer]:
    """Return the four policies of the page's section."""
    section = PAGE.read_text().partition("## One rule in each")[2].partition("\n## ")[0]
    blocks = [part.partition("```")[0] for part in section.split("```yaml\n")[1:]]
    built = []
    for block in blocks:
        enforcer = loads(block.encode())["policyEnforcer"]
        plugin: Plugin[PolicyEnforcer] = Registry[Any]("policies").load(enforcer["type"], "")
        options = decode(plugin.options, enforcer["parameters"], "parameters")
        built.append(await plugin.build("p", options, _Resources()))
    return built


async def allows(policy: PolicyEnforcer, reports: tuple[ArtifactReport, ...]) -> bool:
    """Return the decision."""
    answer = policy.decide(SUBJECT, reports)
    verdict = answer if isinstance(answer, Verdict) else await answer
    return verdict.decision is Decision.ALLOW


async def test_the_same_rule_in_each_language_decides_alike() -> None:
    """Over every combination of two signatures, two documents, and an artifact that cannot be read."""
    found = await policies()
    assert len(found) == 4
    allowed = 0
    for one, two, first, second, gone in product(SIGNATURES, SIGNATURES, DOCUMENTS, DOCUMENTS, (False, True)):
        kinds = ((one, COSIGN_SIGNATURE), (two, COSIGN_SIGNATURE), (first, SPDX), (second, SPDX))
        reports = tuple(
            report(number, *results, artifact_type=kind)
            for number, (results, kind) in enumerate(kinds)
            if results
        )
        given = (*reports, unread(9)) if gone else reports
        decided = [await allows(policy, given) for policy in found]
        assert len(set(decided)) == 1, given
        allowed += decided[0]
    # One of two signatures, each document accepted or not there, and at least one of them.
    assert allowed == 7 * 3


async def test_only_the_tree_of_rules_asks_what_signs_a_document() -> None:
    """As the page says."""
    unsigned = (
        report(1, passed("cosign", "k"), artifact_type=COSIGN_SIGNATURE),
        report(2, passed("sbom"), artifact_type=SPDX),
    )
    assert [await allows(policy, unsigned) for policy in await policies()] == [False, True, True, True]
