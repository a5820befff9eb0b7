"""Where a configuration accepts what nothing signs, as `ratify config check` warns."""

from typing import Any

import pytest

from pyratify.config.decode import decode
from pyratify.config.schema import Config
from pyratify.config.unsigned_evidence import unsigned_evidence

SBOM = {"name": "documents", "type": "sbom", "parameters": {"deniedLicenses": ["GPL-3.0-only"]}}
SIGNED = {"name": "signed", "type": "attestation", "parameters": {"sbom": {}}}
ANY_ALL = {"type": "any-all", "parameters": {"artifactVerificationPolicies": {"default": "any"}}}


def places(policy: dict[str, Any] | None, *verifiers: dict[str, Any]) -> list[str]:
    """Return where a configuration with this policy is warned of."""
    executor = {"scopes": ["example.com"], "verifiers": list(verifiers or (SBOM,)), "policyEnforcer": policy}
    config = decode(Config, {"executors": [{k: v for k, v in executor.items() if v is not None}]})
    return [path for path, _ in unsigned_evidence(config)]


def tree(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a threshold policy with one rule below a group."""
    group = {"threshold": 1, "rules": [{"verifierName": "documents", **rule}]}
    return {"type": "threshold-policy", "parameters": {"policy": {"rules": [group]}}}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ANY_ALL, ["executors[0].policyEnforcer"]),
        ({"type": "cel-policy", "parameters": {"expression": "true"}}, ["executors[0].policyEnforcer"]),
        ({"type": "cel-policy", "parameters": {"expression": 'a.signed != "none"'}}, []),
        (
            tree({"requireSigned": False}),
            ["executors[0].policyEnforcer.parameters.policy.rules[0].rules[0]"],
        ),
        (tree({}), []),
        (tree({"requireSigned": True}), []),
        (None, []),
    ],
)
def test_a_policy_that_asks_for_no_signature_is_warned_of(
    policy: dict[str, Any] | None, expected: list[str]
) -> None:
    """Where nothing is written, rules of the threshold policy ask for one, and other configurations are refused."""
    assert places(policy) == expected


def test_evidence_that_is_signed_itself_needs_no_warning() -> None:
    """An attestation has a signer."""
    assert places(ANY_ALL, SIGNED) == []
