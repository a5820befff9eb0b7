"""Notation's own end-to-end cases: the same layouts, trust policies and trust stores give the same results.

All 52 cases run; none of them needs revocation or timestamps. Where notation refuses a trust policy when it verifies, it
is refused here when it is read.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision
from pyratify.testing.fakes import FakeClock
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import parse_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_layouts import load_layout, materials, validate

NOW = FakeClock(time=datetime(2026, 6, 1, tzinfo=UTC))
MISSING_STORE = "does not exist"
PATHS = {
    "unset_trust_store": "trustPolicies[0].trustStores",
    "malformed_trust_store": "trustPolicies[0].trustStores[0]",
    "wildcard_trust_store": "trustPolicies[0].trustStores[0]",
    "unset_trusted_identity": "trustPolicies[0].trustedIdentities",
    "malformed_trusted_identity": "trustPolicies[0].trustedIdentities[0]",
    "empty_trusted_identity": "trustPolicies[0].trustedIdentities[0]",
    "overlapped_trusted_identity": "trustPolicies[0].trustedIdentities",
    "wildcard_plus_other_trusted_identity": "trustPolicies[0].trustedIdentities",
    "missing_organization_trusted_identity": "trustPolicies[0].trustedIdentities[0]",
    "missing_state_trusted_identity": "trustPolicies[0].trustedIdentities[0]",
    "missing_country_trusted_identity": "trustPolicies[0].trustedIdentities[0]",
    "empty_registry_scope": "trustPolicies[0].registryScopes",
    "malformed_registry_scope": "trustPolicies[0].registryScopes",
    "overlapped_registry_scope": "trustPolicies[0].registryScopes",
    "wildcard_plus_other_registry_scope": "trustPolicies[0].registryScopes",
    "multi_statements_with_the_same_registry_scope": "trustPolicies",
    "multi_statements_with_the_same_name": "trustPolicies",
    "multi_statements_with_multi_wildcard_registry_scope": "trustPolicies",
    "override_integrity_for_permissive": "trustPolicies[0].signatureVerification.override.integrity",
    "invalid_format": "",
}


def cases(shared: Path) -> list[dict[str, Any]]:
    """Return all cases."""
    return json.loads((shared / "expected" / "notation-e2e.json").read_bytes())["cases"]


def build(shared: Path, case: dict[str, Any]) -> NotationVerifier:
    """Build the verifier that a case describes."""
    stores = {
        StoreName(*name.split(":")): materials([shared / path for path in paths])
        for name, paths in case["trust_store"].items()
    }
    policy = parse_trust_policy((shared / case["policy"]).read_bytes())
    return NotationVerifier("notation", policy, stores, NOW)


def logged(reports: tuple[ArtifactReport, ...]) -> set[str]:
    """Return the names of the validations that failed and were only reported."""
    details = [result.details for report in reports for result in report.results if result.details]
    return {
        check for detail in details for check, outcome in detail.data["checks"].items() if outcome == "failed"
    }


@pytest.mark.parametrize("index", range(52))
async def test_a_case_of_notations_own_suite_ends_as_it_does_there(shared: Path, index: int) -> None:
    """Verified or not, and for the same validation."""
    case = cases(shared)[index]
    failed = case["failed_check"]
    if failed == "policy" or MISSING_STORE in (case["message_contains"] or ""):
        with pytest.raises(ConfigurationError):
            build(shared, case)
        return
    reference = case.get("ref_override", case["ref"]).partition("@")[0]
    store = load_layout(shared / case["layout"])
    result = await validate(store, f"{reference}@{store.tags['v1']}", build(shared, case))
    assert (result.decision is Decision.ALLOW) == case["verified"]
    failures = [r.failure for report in result.artifacts for r in report.results if r.failure]
    if failed is None or failed.endswith("(log)"):
        assert logged(result.artifacts) == ({failed.removesuffix("(log)")} if failed else set())
    elif failed == "no-signature":
        assert result.artifacts == ()
    elif failed == "no-applicable-policy":
        assert [failure.reason for failure in failures] == [Reason.POLICY_NOT_FOUND]
    else:
        assert [failure.message.partition(" failed:")[0] for failure in failures] == [failed]


def test_there_are_as_many_cases_as_are_run(shared: Path) -> None:
    """A case that is added must not be overlooked."""
    assert len(cases(shared)) == 52


@pytest.mark.parametrize("name", PATHS)
def test_a_refused_policy_names_the_member_that_is_wrong(shared: Path, name: str) -> None:
    """The path in the message leads to the fault."""
    path = shared / "notation-e2e" / "trustpolicies" / f"{name}_trustpolicy.json"
    with pytest.raises(ConfigurationError) as error:
        parse_trust_policy(path.read_bytes())
    assert error.value.path == ".".join(filter(None, ("trustPolicy", PATHS[name])))


def test_every_policy_that_is_not_refused_can_be_read(shared: Path) -> None:
    """All other documents of the suite are whole trust policies."""
    folder = shared / "notation-e2e" / "trustpolicies"
    refused = {f"{name}_trustpolicy.json" for name in PATHS} | {"blob_trust_policy.json"}
    names = {path.name for path in folder.iterdir()} - refused
    assert len(names) == 42 - len(PATHS)
    for name in names:
        assert parse_trust_policy((folder / name).read_bytes()).policies
