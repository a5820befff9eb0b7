"""Files that a configuration names: found, and put in."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.executors.local_files import inlined, local_files

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
KEY = (MATERIAL / "keys" / "cosign.pub").read_bytes()


def test_only_parameters_name_files() -> None:
    """By the keys that are paths; names of roots and addresses are none."""
    document = {
        "path": "no parameter",
        "executors": [
            {
                "parameters": {
                    "caFile": "ca.pem",
                    "clientKeyFile": "",
                    "trustPolicies": [
                        {"keys": {"files": ["a.pub", {"path": "b", "notAfter": "x"}, 5]}},
                        {"trustedRoot": "public-good"},
                        {"trustedRoot": "https://example.com"},
                        {"trustedRoot": "root.json", "rekorKeys": [{"file": "rekor.pub"}]},
                    ],
                    "trustPolicy": {"version": "1.0"},
                }
            }
        ],
    }
    assert [text for _, text in local_files(document)] == ["ca.pem", "a.pub", "b", "root.json", "rekor.pub"]
    assert next(local_files(document))[0] == "executors[0].parameters.caFile"


async def test_der_becomes_pem(tmp_path: Path) -> None:
    """A text holds no bytes."""
    der = load_pem_public_key(KEY).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.der").write_bytes(der)
    found = await inlined({"keys": {"files": ["key.der"]}}, tmp_path)
    assert load_pem_public_key(found["keys"]["inline"]["keys"].encode()) == load_pem_public_key(KEY)


@pytest.mark.parametrize(
    "files",
    [
        [],
        "cosign.pub",
        [5],
        [{"notAfter": "x"}],
        [{"path": "keys/cosign.pub", "notAfter": "2030-01-01T00:00:00Z"}, "keys/other.pub"],
    ],
)
async def test_what_one_text_cannot_say_stays(files: Any) -> None:
    """Several periods, and what is no list of files."""
    document = {"keys": {"files": files}}
    assert await inlined(document, MATERIAL) == document


async def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """Nothing is put in that would be refused in a file."""
    (tmp_path / "private").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for name in ("private", "missing"):
        with pytest.raises(ConfigurationError):
            await inlined({"keys": {"files": [name]}}, tmp_path)


async def test_vex_documents_are_files_and_no_keys(tmp_path: Path) -> None:
    """They are found, and stay files."""
    vex = {"trustPolicies": [{"keys": {"files": ["a.pub"]}}], "files": ["platform.openvex.json"]}
    document = {"parameters": {"vex": vex}}
    (tmp_path / "a.pub").write_bytes(KEY)
    assert [text for _, text in local_files(document)] == ["a.pub", "platform.openvex.json"]
    found = (await inlined(document, tmp_path))["parameters"]["vex"]
    assert found["files"] == ["platform.openvex.json"]
    assert list(found["trustPolicies"][0]["keys"]) == ["inline"]


async def test_a_policy_in_a_file_is_found_and_put_in(tmp_path: Path) -> None:
    """As the text that its engine reads; a policy that is there already stays."""
    (tmp_path / "p.rego").write_text("package pyratify\nallow := true\n")
    parameters = {"policyPath": "p.rego", "regoVersion": "v1"}
    document = {"policyEnforcer": {"type": "rego-policy", "parameters": parameters}}
    assert list(local_files(document)) == [("policyEnforcer.parameters.policyPath", "p.rego")]
    found = await inlined(document, tmp_path)
    assert found["policyEnforcer"]["parameters"] == {
        "policy": "package pyratify\nallow := true\n",
        "regoVersion": "v1",
    }
    both = {"policy": "package x", "policyPath": "p.rego"}
    assert await inlined(both, tmp_path) == both


@pytest.mark.parametrize("data", [None, b"\xff", b" " * 70_000])
async def test_a_policy_that_cannot_be_put_in_is_refused(data: bytes | None, tmp_path: Path) -> None:
    """A file that is missing, no text, or too long."""
    if data is not None:
        (tmp_path / "p.rego").write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"p\.rego") as caught:
        await inlined({"policyPath": "p.rego"}, tmp_path)
    assert caught.value.path == "policyPath"
