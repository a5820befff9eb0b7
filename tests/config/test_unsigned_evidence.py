"""Where a configuration accepts what nothing signs, as `ratify config check` warns."""

from pathlib import Path
from typing import Any

import pytest

from pyratify.config.decode import decode
from pyratify.config.schema import Config
from pyratify.config.unsigned_evidence import unsigned_evidence

SBOM = {"name": "documents", "type": "sbom", "parameters": {"deniedLicenses": ["GPL-3.0-only"]}}
SIGNED = {"name": "signed", "type": "attestation", "parameters": {"sbom": {}}}
ANY_ALL = {"type": "any-all", "parameters": {"artifactVerificationPolicies": {"default": "any"}}}


def places(policy: dict[str, Any] | None, *verifiers: dict[str, Any], base: Path = Path()) -> list[str]:
    """Return where a configuration with this policy is warned of."""
    executor = {"scopes": ["example.com"], "verifiers": list(verifiers or (SBOM,)), "policyEnforcer": policy}
    config = decode(Config, {"executors": [{k: v for k, v in executor.items() if v is not None}]})
    return [path for path, _ in unsigned_evidence(config, base)]


def tree(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a threshold policy with one rule below a group."""
    group = {"threshold": 1, "rules": [{"verifierName": "documents", **rule}]}
    return {"type": "threshold-policy", "parameters": {"policy": {"rules": [group]}}}


def nested(kind: str, **references: list[str]) -> dict[str, Any]:
    """Return Ratify v1's policy, which looks below the evidence of these verifiers."""
    return {"type": kind, "parameters": {"nestedReferences": references}}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ANY_ALL, ["executors[0].policyEnforcer"]),
        (nested("any-all", documents=["application/vnd.cncf.notary.signature"]), []),
        (nested("config-policy", documents=["application/vnd.cncf.notary.signature"]), []),
        (nested("any-all", documents=[]), ["executors[0].policyEnforcer"]),
        (nested("any-all", other=["a/b"]), ["executors[0].policyEnforcer"]),
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


@pytest.mark.parametrize(("second", "asks"), [('a.signed != "none"', True), ("size(artifacts) > 0", False)])
def test_one_of_several_expressions_may_ask(second: str, asks: bool) -> None:
    """Each has to hold."""
    validations = [{"expression": "true"}, {"expression": second}]
    policy = {"type": "cel-policy", "parameters": {"timeout": 1.0, "validations": validations}}
    assert places(policy) == ([] if asks else ["executors[0].policyEnforcer"])


def test_evidence_that_is_signed_itself_needs_no_warning() -> None:
    """An attestation has a signer."""
    assert places(ANY_ALL, SIGNED) == []


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ('a.signed == "self"', True),
        ('artifacts.exists(a, a["signed"] != "none")', True),
        ("a[?'signed'].orValue('none') != 'none'", True),
        ("a.nested.exists(n, n.results.exists(r, r.outcome == 'PASSED'))", True),
        ('object.get(input.artifacts[0], "signed", "none") != "none"', True),
        ('input.artifacts[_] == {"signed": "self"}', True),
        ("count(input.verifierReports[_].nestedReports) > 0", True),
        ("unsigned_is_fine := true", False),
        ('a.kind == "unsigned"', False),
        ('r.verifier == "signed"', False),
        ('r.verifier in ["signed", "nested"]', False),
        ("a.presigned && a.signedness", False),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_policy_asks_by_the_member_alone(text: str, asks: bool, in_file: bool, tmp_path: Path) -> None:
    """Not by its opposite, nor by a verifier of that name."""
    (tmp_path / "policy.rego").write_text(text)
    given = {"policyPath": "policy.rego"} if in_file else {"policy": text}
    policy = {"type": "rego-policy", "parameters": given}
    assert places(policy, base=tmp_path) == ([] if asks else ["executors[0].policyEnforcer"])
