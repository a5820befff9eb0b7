"""Generations that processes have in common: equal for equal engines, another one for whatever could change a verdict."""

import json
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import build_engine
from pyratify.config.configuration_fingerprint import add_materials
from pyratify.config.load import load_config
from pyratify.core.engine import Engine
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key import KeyMaterial, Validity
from pyratify.testing.cosign import CosignKey
from pyratify.testing.tls import Authority

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
LAYOUT = MATERIAL / "layout"
SECRET = b"test-only secret of generations!"
Document = dict[str, Any]


def write(folder: Path, change: Callable[[Document], None] = lambda document: None) -> Path:
    """Write a configuration and its key, certificate and policy."""
    folder.mkdir(exist_ok=True)
    keys = folder / "cosign.pub"
    if not keys.exists():
        keys.write_text(KEY)
        (folder / "ca.pem").write_text(ROOT)
        (folder / "registry.pem").write_text(ROOT)
    document: Document = {
        "executors": [
            {
                "scopes": ["example.com"],
                "verifiers": [
                    {
                        "name": "cosign-1",
                        "type": "cosign",
                        "parameters": {
                            "trustPolicies": [{"ignoreTLog": True, "keys": {"files": ["cosign.pub"]}}]
                        },
                    },
                    {
                        "name": "notation-1",
                        "type": "notation",
                        "parameters": {"certificates": [{"files": ["ca.pem"]}], "trustedIdentities": ["*"]},
                    },
                ],
                "stores": [{"type": "registry-store", "parameters": {"caFile": "registry.pem"}}],
            }
        ]
    }
    change(document)
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return path


KEY = CosignKey.generate().material.data.decode()
ROOT = Authority("test only root").pem


async def built(path: Path, secret: bytes | None = SECRET) -> Engine:
    """Build the engine and close it."""
    async with AsyncExitStack() as stack:
        return await build_engine(load_config(path), stack, secret=secret)


async def test_equal_configurations_have_the_same_generation_everywhere(tmp_path: Path) -> None:
    """In another folder, in another process, read at another time; the order of members does not matter."""
    one = await built(write(tmp_path / "one"))
    two = write(tmp_path / "two", lambda document: document["executors"][0].update(concurrency=0))
    assert one.common
    assert (await built(two)).generation == one.generation


async def test_without_a_secret_every_engine_is_its_own(tmp_path: Path) -> None:
    """The generation of another process could not be compared."""
    path = write(tmp_path)
    one, two = await built(path, None), await built(path, None)
    assert one.generation != two.generation
    assert not one.common
    assert (await built(path, b"another test-only secret, longer")).generation != (
        await built(path)
    ).generation


def _executor(document: Document) -> Document:
    found: Document = document["executors"][0]
    return found


CHANGES: dict[str, Callable[[Document], None]] = {
    "scope": lambda document: _executor(document).update(scopes=["example.com/team/*"]),
    "level": lambda document: _executor(document)["verifiers"][1]["parameters"].update(level="audit"),
    "verifier": lambda document: _executor(document)["verifiers"].pop(),
    "limits": lambda document: _executor(document).update(limits={"referrers": 3}),
    "policy": lambda document: _executor(document).update(
        policyEnforcer={
            "type": "threshold-policy",
            "parameters": {"policy": {"rules": [{"verifierName": "cosign-1"}]}},
        }
    ),
    "store": lambda document: _executor(document)["stores"][0]["parameters"].update(allowCosignTag=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_another_configuration_has_another_generation(
    change: Callable[[Document], None], tmp_path: Path
) -> None:
    """Whatever stands in it."""
    first = await built(write(tmp_path))
    assert (await built(write(tmp_path, change))).generation != first.generation


@pytest.mark.parametrize("file", ["cosign.pub", "ca.pem", "registry.pem"])
async def test_another_key_or_certificate_has_another_generation(file: str, tmp_path: Path) -> None:
    """Also where the configuration and the file's name are the same."""
    first = await built(write(tmp_path))
    fresh = (
        CosignKey.generate().material.data.decode() if file == "cosign.pub" else Authority("other root").pem
    )
    (tmp_path / file).write_text(fresh)
    second = await built(write(tmp_path))
    assert second.common
    assert second.generation != first.generation


async def test_a_key_that_moves_to_another_policy_makes_another_generation(tmp_path: Path) -> None:
    """The same keys in the same order, but not for the same repositories."""

    def change(document: Document) -> None:
        policies = [
            {"ignoreTLog": True, "scopes": [f"example.com/{name}"], "keys": {"files": [name]}}
            for name in ("one", "two")
        ]
        _executor(document)["verifiers"][0]["parameters"]["trustPolicies"] = policies

    for folder, file in (("one", "1.pub"), ("one", "2.pub"), ("two", "3.pub")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).write_text(CosignKey.generate().material.data.decode())
    first = await built(write(tmp_path, change))
    (tmp_path / "one" / "2.pub").rename(tmp_path / "two" / "2.pub")
    second = await built(write(tmp_path, change))
    assert first.common
    assert second.common
    assert second.generation != first.generation


async def test_a_variable_counts_by_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas with different environments are different engines."""
    path = write(tmp_path, lambda document: _executor(document).update(scopes=["${SCOPE}"]))
    monkeypatch.setenv("SCOPE", "example.com")
    first = await built(path)
    monkeypatch.setenv("SCOPE", "*.example.com")
    assert (await built(path)).generation != first.generation


async def test_an_engine_whose_parts_cannot_be_fingerprinted_shares_nothing(tmp_path: Path) -> None:
    """A store on this machine's disk is not what another machine has under its path."""
    shutil.copytree(LAYOUT, tmp_path / "layout")
    store = {"type": "filesystem-oci-store", "parameters": {"path": "layout"}}
    path = write(tmp_path, lambda document: _executor(document).update(stores=[store]))
    one, two = await built(path), await built(path)
    assert not one.common
    assert one.generation != two.generation


@pytest.mark.parametrize("which", ["trusted-root", "default"])
async def test_a_trusted_root_counts_by_its_content(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one that is used when none is named, which a refresh replaces on one machine and not on another."""
    from pyratify.sigstore.roots import shipped_root

    policy: Document = {
        "certificateIdentity": "a@example.com",
        "certificateOIDCIssuer": "https://example.com",
    }
    file = tmp_path / "root.json"
    if which == "default":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        file = tmp_path / "data" / "ratify" / "sigstore" / "public-good" / "trusted_root.json"
        file.parent.mkdir(parents=True)
    else:
        policy["trustedRoot"] = str(file)
    parameters = {"trustPolicies": [policy]}
    verifier = {"name": "cosign-1", "type": "cosign", "parameters": parameters}
    path = write(tmp_path, lambda document: _executor(document).update(verifiers=[verifier]))
    file.write_bytes(shipped_root().data)
    first = await built(path)
    assert first.common
    file.write_bytes(shipped_root().data + b"\n")
    assert (await built(path)).generation != first.generation


@pytest.mark.parametrize("changed", ["trustpolicy.json", "truststore", "nothing"])
async def test_notation_s_own_files_count_by_their_content(changed: str, tmp_path: Path) -> None:
    """The trust policy and every certificate of the stores that it names."""
    shutil.copy(MATERIAL / "trustpolicy.json", tmp_path)
    shutil.copytree(MATERIAL / "truststore", tmp_path / "truststore")
    parameters = {"trustPolicy": "trustpolicy.json", "trustStore": "truststore"}
    verifier = {"name": "notation-1", "type": "notation", "parameters": parameters}
    path = write(tmp_path, lambda document: _executor(document).update(verifiers=[verifier]))
    first = await built(path)
    assert first.common
    if changed == "trustpolicy.json":
        text = (tmp_path / changed).read_text()
        (tmp_path / changed).write_text(
            text.replace('"permissive"', '"audit"').replace('"strict"', '"audit"')
        )
        assert (tmp_path / changed).read_text() != text
    elif changed == "truststore":
        next((tmp_path / changed).rglob("*.pem")).write_text(Authority("other root").pem)
    second = await built(path)
    assert (second.generation == first.generation) is (changed == "nothing")


async def test_notation_s_verification_plugins_have_no_fingerprint(tmp_path: Path) -> None:
    """They are programs that may depend on anything."""
    program = tmp_path / "plugins" / "mine" / "notation-mine"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    def change(document: Document) -> None:
        parameters = _executor(document)["verifiers"][1]["parameters"]
        parameters["plugins"] = {"folder": "plugins", "allowed": ["mine"]}

    assert not (await built(write(tmp_path, change))).common


def test_a_fingerprint_tells_names_from_values() -> None:
    """What is one thing is never the same as two that read alike; what is missing makes it useless."""
    one, two = Fingerprint(), Fingerprint()
    one.add("ab", b"c")
    two.add("a", b"bc")
    assert one.generation(SECRET) != two.generation(SECRET)
    assert len(one.generation(SECRET)) == 32
    one.miss("stores/mine")
    one.miss("stores/other")
    assert (one.generation(SECRET), one.untraced) == ("", "stores/mine")


def test_everything_of_a_key_counts_but_its_origin() -> None:
    """Its bytes and its period; its version is a name for people, and a field that is new has to be told too."""
    assert {one.name for one in fields(KeyMaterial)} == {"data", "origin", "validity", "version"}
    start = Validity(start=datetime(2026, 1, 1, tzinfo=UTC))
    materials = [
        KeyMaterial(b"key", "here"),
        KeyMaterial(b"key", "there"),
        KeyMaterial(b"other", "here"),
        KeyMaterial(b"key", "here", start),
    ]
    generations = []
    for material in materials:
        found = Fingerprint()
        assert add_materials(found, "keys", (material,)) == (material,)
        generations.append(found.generation(SECRET))
    assert generations[0] == generations[1]
    assert len(set(generations)) == 3
