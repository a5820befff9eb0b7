"""Everything that is wrong with a configuration at once, with its place."""

from pathlib import Path
from typing import Any

import pytest

from pyratify.config.check import check_document
from pyratify.config.decode import ShapeError
from pyratify.config.yaml import lines, loads
from pyratify.core.reason import Reason

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
GOOD = {
    "name": "good",
    "type": "cosign",
    "parameters": {"trustPolicies": [{"keys": {"files": ["keys/cosign.pub"]}}]},
}


def document(**more: Any) -> dict[str, Any]:
    """Return a configuration of one executor that is good but for what is given."""
    return {"executors": [{"scopes": ["*"], "verifiers": [GOOD], **more}]}


async def messages(value: Any) -> list[str]:
    """Return what is wrong with a document."""
    return [fault.message for fault in await check_document(value, MATERIAL)]


async def test_nothing_is_wrong_with_what_is_right() -> None:
    """Checking takes nothing out of what is good."""
    assert await messages(document()) == []


async def test_unsigned_statements_without_a_policy_are_found() -> None:
    """As when the configuration is used, and beside a verifier that cannot be built."""
    unsigned = {
        "name": "a",
        "type": "attestation",
        "parameters": {
            **GOOD["parameters"],
            "unsignedStatements": True,
            "provenance": {"sourceUris": ["https://github.com/org/app"]},
        },
    }
    broken = {**GOOD, "name": "b", "parameters": {}}
    found = await messages(document(verifiers=[broken, unsigned]))
    assert any("verifiers[1].parameters: statements that are not signed count" in each for each in found)
    policy = {"type": "threshold-policy", "parameters": {"policy": {"rules": [{"verifierName": "a"}]}}}
    assert await messages(document(verifiers=[unsigned], policyEnforcer=policy)) == []


async def test_an_unknown_key_hides_no_other_fault() -> None:
    """Beside it, a missing file, another unknown key, a wrong type and a plugin that is not there are found."""
    broken = {
        "name": "b",
        "type": "cosign",
        "parameters": {"trustPolices": [{"keys": {"files": ["no.pub"]}}], "x": 1},
    }
    found = await messages(
        document(
            colour="red",
            size=1,
            timeout="soon",
            verifiers=[GOOD, broken, {"name": "c", "type": "nosuch"}],
            stores=[{"type": "filesystem-oci-store", "parameters": {}}],
        )
    )
    for part in (
        "unknown key 'colour'",
        "unknown key 'size'",
        "executors[0].timeout: expected",
        "unknown key 'trustPolices'",
        "unknown key 'x'",
        "no.pub cannot be read",
        "is called 'nosuch'",
        "the required key is missing: path",
    ):
        assert sum(part in message for message in found) == 1, part
    assert len(found) == 8


async def test_a_part_without_a_required_key_hides_no_other() -> None:
    """Nor does it make rules wrong that name it."""
    policy = {
        "type": "threshold-policy",
        "parameters": {"policy": {"rules": [{"verifierName": "b"}, {"verifierName": "z"}]}},
    }
    found = await messages(
        document(verifiers=[{"name": "b"}, {"type": "nosuch", "name": "c"}], policyEnforcer=policy)
    )
    assert len(found) == 3
    assert "executors[0].verifiers[0]: the required key is missing: type" in found
    assert any("'z'" in message for message in found)


async def test_a_key_that_was_only_guessed_is_no_second_fault() -> None:
    """Where the near key takes something else, that is no second fault."""
    found = await messages(document(timout={"seconds": 5}))
    assert found == ["executors[0]: unknown key 'timout'"]


async def test_every_variable_that_is_missing_is_said(monkeypatch: Any) -> None:
    """And what they stand for is not blamed."""
    monkeypatch.delenv("NOPE", raising=False)
    monkeypatch.delenv("NEITHER", raising=False)
    keys = [{"keys": {"files": ["${NOPE}"]}}]
    verifier = {"name": "a", "type": "cosign", "parameters": {"trustPolicies": keys}}
    found = await messages(document(verifiers=[verifier], scopes=["${NEITHER}"], colour=1))
    assert sorted(message.rpartition(": ")[2] for message in found if "not set" in message) == [
        "the environment variable NEITHER is not set",
        "the environment variable NOPE is not set",
    ]
    assert any("colour" in message for message in found)


async def test_documents_that_are_none_end() -> None:
    """Whatever stands there, checking says something and comes to an end."""
    for value in (
        7,
        None,
        [],
        {},
        {"executors": 5},
        {"executors": []},
        {"executors": [7, {}, {"verifiers": 5}]},
    ):
        assert await messages(value)


async def test_known_keys_are_those_of_the_place() -> None:
    """And none of what stands deeper."""
    (fault,) = await check_document(document(xyzzy=1), MATERIAL)
    assert "memoryBytes" not in fault.remedy
    assert "manifestBytes" not in fault.remedy
    assert "verifiers" in fault.remedy
    assert isinstance(fault, ShapeError)
    assert fault.place == "executors[0].xyzzy"


def test_lines_are_those_of_the_file() -> None:
    """Of keys where they are named, of items where they begin; in JSON too."""
    text = b"# first\na:\n  - b: 1\n    c:\n      - x\n      - {d: 2,\n         e: 3}\n"
    found = lines(text)
    assert loads(text)["a"][0]["c"][1] == {"d": 2, "e": 3}
    assert (found["a"], found["a[0].b"], found["a[0].c[0]"], found["a[0].c[1].e"]) == (2, 3, 5, 7)
    assert lines(b'{"a":\n {"b": [1,\n 2]}}')["a.b[1]"] == 3
    assert lines(b"\xff") == {}
    assert lines(b"[") == {"": 1}


async def test_policies_and_lists_of_the_wrong_shape_hide_nothing() -> None:
    """A policy without a type, an executor that is none, and a list in which one item is wrong."""
    value = document(policyEnforcer={"parameters": {}}, scopes=["*", 5], colour=1)
    value["executors"].append(7)
    found = await messages(value)
    for part in (
        "executors[0].policyEnforcer: the required key is missing: type",
        "executors[0].scopes[1]: expected",
        "executors[0]: unknown key 'colour'",
        "executors[1]: expected",
    ):
        assert sum(part in message for message in found) == 1, part
    assert len(found) == 4


async def test_more_faults_than_are_looked_for_come_to_an_end(monkeypatch: Any) -> None:
    """A hundred rounds are enough for any file that is read by people."""
    monkeypatch.delenv("NOPE", raising=False)
    found = await messages(document(**{f"key{number}": 1 for number in range(150)}))
    assert 100 <= len(found) <= 101
    scopes = [f"${{NOPE}}{number}" for number in range(150)]
    assert len([each for each in await messages(document(scopes=scopes)) if "not set" in each]) == 100


async def test_a_name_of_the_parts_is_kept_for_their_rules() -> None:
    """Even where the part has no name that could be kept."""
    found = await messages(document(verifiers=[GOOD, {"name": "", "type": "cosign"}, 5]))
    assert [message.partition(": ")[0] for message in found] == [
        "executors[0].verifiers[1].name",
        "executors[0].verifiers[2]",
    ]


def test_keys_are_suggested_where_their_place_is_unknown() -> None:
    """Then those of the whole type are known."""
    import msgspec
    import pytest

    from pyratify.config.decode import decode

    class Inner(msgspec.Struct, forbid_unknown_fields=True):
        colour: int = 0

    class Outer(msgspec.Struct, forbid_unknown_fields=True):
        parts: dict[str, Inner]

    with pytest.raises(ShapeError) as caught:
        decode(Outer, {"parts": {"x": {"color": 1}}})
    assert caught.value.near == "colour"


async def test_one_faulty_rule_of_a_policy_hides_no_other() -> None:
    """Where a stand-in is known: another code, a verifier that exists, an expression that can be used."""
    wrong = {
        "type": "threshold-policy",
        "parameters": {
            "policy": {
                "rules": [
                    {"verifierName": "goood", "deny": True, "reasons": ["NOPE", "SIG_INVALD"]},
                    {"verifierName": "good", "require": "Newest"},
                    {"rules": [{"verifierName": "good"}], "threshold": 3},
                    {"verifierName": "bad"},
                ]
            }
        },
    }
    rules = "executors[0].policyEnforcer.parameters.policy.rules"
    faults = await check_document(document(policyEnforcer=wrong), MATERIAL)
    assert sorted(fault.path for fault in faults) == [
        f"{rules}[0].reasons[0]",
        f"{rules}[0].reasons[1]",
        f"{rules}[0].verifierName",
        f"{rules}[1].require",
        f"{rules}[2].threshold",
        f"{rules}[3].verifierName",
    ]


async def test_one_faulty_expression_hides_no_other() -> None:
    """Each of them is compiled."""
    pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")
    texts = ("subject.tga == ''", "true", "1", "now - duration('30d') < now", "has(subject.tag)")
    wrong = {"type": "cel-policy", "parameters": {"validations": [{"expression": text} for text in texts]}}
    faults = await check_document(document(policyEnforcer=wrong), MATERIAL)
    place = "executors[0].policyEnforcer.parameters.validations"
    assert [fault.path for fault in faults] == [f"{place}[{index}].expression" for index in (0, 2, 3, 4)]


async def test_what_an_opa_is_not_given_hides_no_other() -> None:
    """Parameters of the other engine, and an address that is none."""
    opa = {"url": "http://opa.example.com:8181", "token": "a b", "caFile": "none.pem"}
    parameters = {"engine": "opa", "regoVersion": "v1", "policy": "package pyratify", "opa": opa}
    wrong = {"type": "rego-policy", "parameters": parameters}
    faults = await check_document(document(policyEnforcer=wrong), MATERIAL)
    place = "executors[0].policyEnforcer.parameters."
    named = {fault.path.removeprefix(place): fault.reason for fault in faults}
    assert named == dict.fromkeys(
        ("policy", "regoVersion", "opa.url", "opa.caFile", "opa.token"), Reason.CONFIG_INVALID
    )
