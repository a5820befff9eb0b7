"""From a configuration to an engine."""

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pyratify
from pyratify.config.build import build_engine, open_engine
from pyratify.config.check import check_config
from pyratify.config.load import decode_config, load_config, parse
from pyratify.config.plugin_resources import usable_tags
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import DEFAULT_CONCURRENCY
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.stores.scoped import MuxStore
from pyratify.testing.fakes import FakeClock

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
KEY = (MATERIAL / "keys" / "cosign.pub").read_text()
CA = (MATERIAL / "certs" / "ca.pem").read_text()
COSIGN = {
    "name": "cosign",
    "type": "cosign",
    "parameters": {"trustPolicies": [{"keys": {"inline": {"keys": KEY}}}]},
}
LAYOUT = {
    "type": "filesystem-oci-store",
    "parameters": {"path": str(MATERIAL / "layout"), "allowBareTags": True},
}


def executor(**changes: Any) -> dict[str, Any]:
    """Return one executor over the signed material, changed."""
    return {"scopes": ["registry.example.com"], "verifiers": [COSIGN], "stores": [LAYOUT], **changes}


async def build(*executors: dict[str, Any], **more: Any) -> Engine:
    """Build an engine of these executors; they open nothing that would have to be closed."""
    loaded = decode_config({"executors": list(executors), **more}, MATERIAL)
    return await build_engine(loaded, AsyncExitStack())


async def test_an_engine_verifies() -> None:
    """The configuration's store, verifier and default policy decide as they should."""
    engine = await build(executor())
    for tag, decision in (("cosign-v3", Decision.ALLOW), ("wrong-key", Decision.DENY)):
        result = await engine.validate(Reference.parse(f"registry.example.com/app:{tag}"))
        assert result.decision is decision
    assert (await engine.validate(Reference.parse("registry.example.org/app:cosign-v3"))).failure is not None


async def test_defaults_are_those_that_are_documented() -> None:
    """One rule for every verifier of which one is enough; 0 concurrent artifacts are the default number."""
    other = {**COSIGN, "name": "other"}
    engine = await build(executor(verifiers=[COSIGN, other], concurrency=0))
    (built,) = engine.executors.values()
    assert built.policy == ThresholdPolicy(Rule(None, (Rule("cosign"), Rule("other")), 1))
    assert built.concurrency == DEFAULT_CONCURRENCY
    assert built.cache is not None
    assert built.timeout is None
    (without,) = (await build(executor(timeout=5), cache={"memoryBytes": 0})).executors.values()
    assert (without.cache, without.timeout) == (None, 5)


async def test_every_engine_has_a_generation_of_its_own() -> None:
    """Verdicts of one configuration are never those of another."""
    assert (await build(executor())).generation != (await build(executor())).generation


async def test_several_stores_are_distinguished_by_scope() -> None:
    """Each reference is read from the store whose scope covers it."""
    stores = [
        {**LAYOUT, "scopes": ["registry.example.com/a"]},
        {**LAYOUT, "scopes": ["registry.example.com/b/*"]},
    ]
    engine = await build(executor(stores=stores))
    (built,) = engine.executors.values()
    assert isinstance(built.store, MuxStore)
    for name, allowed in (("a", True), ("b/c", True), ("d", False)):
        result = await engine.validate(Reference.parse(f"registry.example.com/{name}:cosign-v3"))
        assert result.succeeded is allowed
    assert result.error is not None
    assert result.error.reason == "SCOPE_NO_MATCH"


@pytest.mark.parametrize(
    ("executors", "path"),
    [
        ([executor(), executor()], "executors[1].scopes[0]"),
        ([executor(scopes=["*", "*"])], "executors[0].scopes[1]"),
        ([executor(scopes=["Registry.example.com"])], "executors[0].scopes[0]"),
        ([executor(scopes=["no"])], "executors[0].scopes[0]"),
        ([executor(verifiers=[COSIGN, COSIGN])], "executors[0].verifiers[1].name"),
        ([executor(stores=[LAYOUT, LAYOUT])], "executors[0].stores[0].scopes"),
        ([executor(stores=[{**LAYOUT, "scopes": ["ghcr.io"]}])], "executors[0].stores[0].scopes"),
        (
            [executor(scopes=["a.io", "b.io"], stores=[{**LAYOUT, "scopes": ["a.io"]}])],
            "executors[0].scopes[1]",
        ),
        (
            [executor(), executor(scopes=["a.io"], stores=[{**LAYOUT, "parameters": {}}])],
            "executors[1].stores[0].parameters",
        ),
        (
            [executor(stores=[{"type": "filesystem-oci-store", "parameters": {"path": "nosuch"}}])],
            "executors[0].stores[0].parameters.path",
        ),
        ([executor(stores=[{"type": "nosuch"}])], "executors[0].stores[0].type"),
        (
            [executor(verifiers=[{**COSIGN, "parameters": {"ignoreTLog": True, "trustPolicies": []}}])],
            "executors[0].verifiers[0].parameters",
        ),
        (
            [
                executor(
                    verifiers=[{**COSIGN, "parameters": {"trustPolicies": [{"keys": {"nosuchkeys": {}}}]}}]
                )
            ],
            "executors[0].verifiers[0].parameters.trustPolicies[0].keys.nosuchkeys",
        ),
        (
            [
                executor(
                    stores=[{"type": "registry-store", "parameters": {"credential": {"provider": "nosuch"}}}]
                )
            ],
            "executors[0].stores[0].parameters.credential.provider",
        ),
        (
            [
                executor(
                    stores=[
                        {
                            "type": "registry-store",
                            "parameters": {
                                "credential": {"provider": "static", "username": "u", "password": 5}
                            },
                        }
                    ]
                )
            ],
            "executors[0].stores[0].parameters.credential.password",
        ),
    ],
)
async def test_faults_carry_their_path(executors: list[dict[str, Any]], path: str) -> None:
    """What cannot work is refused when the configuration is read; building and checking agree."""
    with pytest.raises(ConfigurationError) as caught:
        await build(*executors)
    assert caught.value.path == path
    assert caught.value.remedy
    found = await check_config(decode_config({"executors": executors}, MATERIAL))
    assert path in [error.path for error in found]


async def test_ratify_v2s_own_file_is_read_as_it_is() -> None:
    """The file that the contract documents, with every parameter that is there today."""
    document = executor(
        scopes=["ghcr.io", "*.azurecr.io", "ghcr.io/ns/repo"],
        concurrency=3,
        verifiers=[
            {
                "name": "notation-1",
                "type": "notation",
                "parameters": {
                    "scopes": ["*"],
                    "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Pyratify Test"],
                    "certificates": [{"type": "ca", "inline": {"certs": CA}}],
                },
            },
            {
                "name": "cosign-1",
                "type": "cosign",
                "parameters": {
                    "trustPolicies": [
                        {
                            "scopes": ["ghcr.io"],
                            "certificateIdentity": "",
                            "certificateIdentityRegex": "",
                            "certificateOIDCIssuer": "",
                            "certificateOIDCIssuerRegex": "",
                            "ignoreTLog": False,
                            "ignoreCTLog": False,
                            "ignoreObserverTimestamps": False,
                            "keys": {"inline": {"keys": KEY}},
                        }
                    ]
                },
            },
        ],
        stores=[
            {
                "type": "registry-store",
                "scopes": ["ghcr.io", "*.azurecr.io"],
                "parameters": {
                    "plainHttp": False,
                    "userAgent": "ratify-go",
                    "maxBlobBytes": 33554432,
                    "maxManifestBytes": 4194304,
                    "allowCosignTag": False,
                    "caPem": "",
                    "caBase64": "",
                    "credential": {"provider": "static", "username": "", "password": ""},
                },
            },
            {**LAYOUT, "scopes": ["ghcr.io/ns/repo"]},
        ],
        policyEnforcer={
            "type": "threshold-policy",
            "parameters": {
                "policy": {
                    "threshold": 1,
                    "rules": [
                        {"verifierName": "cosign-1"},
                        {
                            "verifierName": "notation-1",
                            "threshold": 0,
                            "rules": [{"verifierName": "cosign-1"}],
                        },
                        {"threshold": 1, "rules": [{"verifierName": "notation-1"}]},
                    ],
                }
            },
        },
    )
    engine = await build(document)
    assert len(engine.executors) == 3
    assert (await engine.validate(Reference.parse("ghcr.io/ns/repo:both"))).succeeded


EXPECTED = {
    "executor_cosign_akv.yaml": "unknown key 'ignoreTLog'",
    "executor_cosign_keyless.yaml": "matches everything",
    "executor_cosign_legacy.yaml": None,
    "executor_cosign_legacy_keyless.yaml": "matches everything",
    "executor_invalid_store.yaml": "invalid-store-type",
    "executor_k8s_secret_auth.yaml": None,
    "executor_namespace_cosign.yaml": None,
    "executor_namespace_notation.yaml": None,
    "executor_no_notation.yaml": None,
    "executor_no_verifiers.yaml": "not a whole repository",
    "executor_notation_akv.yaml": "azurekeyvault",
    "namespaced_executor_notation.yaml": None,
}


@pytest.mark.parametrize("name", EXPECTED)
async def test_the_executors_of_ratifys_own_tests_load(name: str, shared: Path) -> None:
    """What they template is put in; trusted identities, which we ask for, are added; what is not there yet is named."""
    text = (shared / "ratify" / "bats-config" / name).read_text()
    text = text.replace("__NOTATION_CERT__", json.dumps({"certs": CA}))
    document = parse(text.replace("__COSIGN_KEY__", json.dumps(KEY)).encode(), is_json=False)["spec"]
    for verifier in document["verifiers"]:
        if verifier["type"] == "notation":
            verifier["parameters"]["trustedIdentities"] = ["*"]
    says = EXPECTED[name]
    if says is None:
        assert list((await build(document)).executors) == document["scopes"]
        return
    with pytest.raises(ConfigurationError) as caught:
        await build(document)
    assert says in caught.value.message


async def test_a_plugin_that_fails_is_a_fault_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a plugin raises while it is built becomes an error with a path."""
    from pyratify.policies import threshold_plugin

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("hunter2")

    plugin = threshold_plugin.plugin.__class__(threshold_plugin.ThresholdOptions, broken, "")
    monkeypatch.setattr(threshold_plugin, "plugin", plugin)
    parameters = {"policy": {"rules": [{"verifierName": "cosign"}]}}
    with pytest.raises(
        ConfigurationError, match=r"^executors\[0\]\.policyEnforcer\.parameters: the plugin failed"
    ) as caught:
        await build(executor(policyEnforcer={"type": "threshold-policy", "parameters": parameters}))
    assert "hunter2" not in caught.value.message


async def test_open_engine_reads_a_file_and_closes_its_stores(tmp_path: Path) -> None:
    """Relative paths start at the file's folder; the clock is the one that is given."""
    (tmp_path / "cosign.pub").write_text(KEY)
    document = {
        "executors": [
            executor(
                scopes=["*"],
                verifiers=[
                    {
                        **COSIGN,
                        "parameters": {"trustPolicies": [{"keys": {"files": ["cosign.pub"]}}]},
                    }
                ],
                stores=[{"type": "registry-store"}],
            )
        ]
    }
    (tmp_path / "ratify.json").write_text(json.dumps(document))
    async with open_engine(tmp_path / "ratify.json", clock=FakeClock()) as engine:
        (built,) = engine.executors.values()
        layout = replace(built, store=LayoutStore(MATERIAL / "layout"))
        reference = Reference.parse_layout(f"oci:{MATERIAL / 'layout'}:cosign-v3")
        assert (await layout.validate(reference)).succeeded


def test_public_names_are_there_and_listed() -> None:
    """Every name of `__all__` can be imported, is documented and is all that there is."""
    for name in pyratify.__all__:
        assert getattr(pyratify, name).__doc__
    assert set(pyratify.__all__) <= set(dir(pyratify))
    with pytest.raises(AttributeError):
        _ = pyratify.nosuch
    with pytest.raises(ConfigurationError):
        load_config("nosuch.yaml")


def test_the_documented_example_runs() -> None:
    """The module's docstring is a program."""
    import doctest

    assert doctest.testmod(pyratify).failed == 0


async def test_every_fault_of_the_shape_is_found(tmp_path: Path) -> None:
    """One wrong part does not hide another, and none is named twice."""
    from pyratify.config.check import check_document
    from pyratify.config.load import read_document

    path = tmp_path / "ratify.json"
    wrong = executor(verifiers=[{**COSIGN, "nam": "x"}, {"name": "b"}], stores=[{"type": 5}], timeout="5")
    path.write_text(json.dumps({"executors": [wrong, 7], "$schema": "schema.json", "extra": 1}))
    found = [error.path for error in await check_document(*read_document(path))]
    assert found == [
        "executors[0].verifiers[0]",
        "executors[0].verifiers[1]",
        "executors[0].stores[0].type",
        "executors[0].timeout",
        "executors[1]",
        "",
    ]
    path.write_text("7")
    assert [error.path for error in await check_document(*read_document(path))] == [""]


@pytest.mark.parametrize(
    ("types", "tags"),
    [
        (("cosign",), ("sig",)),
        (("notation",), ()),
        (("notation", "cosign"), ("sig",)),
        (("cosign", "unknown-kind"), ("sig", "att", "sbom")),
    ],
)
def test_only_the_cosign_tags_that_some_verifier_can_use_are_asked_for(
    types: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    """A plugin that cannot be loaded is refused elsewhere, and hides nothing meanwhile."""
    assert usable_tags(types) == tags
