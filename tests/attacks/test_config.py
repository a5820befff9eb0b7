"""Sections E, G and M of the catalogue, as far as they concern the configuration."""

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import build_engine
from pyratify.config.decode import structs
from pyratify.config.load import MAX_BYTES, decode_config, load_config
from pyratify.config.schema import Config
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from support.key_services import hide

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
REFERENCE = Reference.parse("registry.example.com/app:cosign-v3")


def document(**changes: Any) -> dict[str, Any]:
    """Return a configuration that allows the reference, with parts of its executor changed."""
    executor = {
        "scopes": ["registry.example.com"],
        "verifiers": [
            {
                "name": "cosign",
                "type": "cosign",
                "parameters": {"trustPolicies": [{"keys": {"files": ["keys/cosign.pub"]}}]},
            }
        ],
        "stores": [
            {
                "type": "filesystem-oci-store",
                "parameters": {"path": "layout", "allowBareTags": True},
            }
        ],
    }
    return {"executors": [{**executor, **changes}]}


def policy(tree: Any) -> dict[str, Any]:
    """Return the configuration with this tree of rules."""
    return document(policyEnforcer={"type": "threshold-policy", "parameters": {"policy": tree}})


def keys(sources: Any) -> dict[str, Any]:
    """Return the configuration with these key providers."""
    parameters = {"trustPolicies": [{"keys": sources}]}
    return document(verifiers=[{"name": "cosign", "type": "cosign", "parameters": parameters}])


async def build(config: Any) -> Engine:
    """Build the engine."""
    return await build_engine(decode_config(config, MATERIAL), AsyncExitStack())


async def rejected(config: Any) -> ConfigurationError:
    """Return the error that the configuration is refused with."""
    with pytest.raises(ConfigurationError) as caught:
        await build(config)
    return caught.value


def refused_file(folder: Path, name: str, text: str | bytes) -> ConfigurationError:
    """Return the error that a file is refused with."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    return caught.value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
@pytest.mark.parametrize("member", ["timeout", "concurrency"])
def test_atk_076_numbers_that_are_none(number: str, member: str, tmp_path: Path) -> None:
    """NaN and infinities are refused in JSON, and are no numbers in YAML."""
    text = json.dumps(document(**{member: "@"})).replace('"@"', number)
    assert refused_file(tmp_path, "c.json", text).reason in ("JSON_INVALID", "CONFIG_INVALID")
    refused_file(tmp_path, "c.yaml", text)
    refused_file(tmp_path, "c.yaml", text.replace(number, f".{number[:3].lower()}"))


def test_atk_079_yaml_bombs(tmp_path: Path) -> None:
    """Anchors and aliases are refused where they stand, before anything is expanded; size and depth are bounded."""
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
    )
    assert "line 1: anchors" in refused_file(tmp_path, "c.yaml", bomb).message
    assert "bytes" in refused_file(tmp_path, "c.yaml", b"a: " + b"x" * MAX_BYTES).message
    assert "nested deeper than" in refused_file(tmp_path, "c.yaml", "[" * 5000 + "]" * 5000).message
    assert "nested" in refused_file(tmp_path, "c.json", "[" * 5000 + "]" * 5000).message


SMALL = "executors:\n  - scopes: {scopes}\n    verifiers: [{{name: a, type: cosign}}]\n    concurrency: {number}\n"


@pytest.mark.parametrize(
    ("scopes", "number"),
    [
        ("[no.example.com]", "017"),
        ("[no.example.com]", "0o17"),
        ("[no.example.com]", "0x1F"),
        ("[no.example.com]", "1.10"),
        ("[no.example.com]", "12:30:45"),
        ("[no.example.com]", "1_000"),
        ("[no.example.com]", "yes"),
        ("[1.10]", "3"),
        ("[5]", "3"),
        ("[true]", "3"),
        ("[~]", "3"),
        ("[a.io]\n    scopes: [b.io]", "3"),
        ("[a.io]", "3\n    concurrency: 4"),
    ],
)
def test_atk_080_yaml_says_one_thing_only(scopes: str, number: str, tmp_path: Path) -> None:
    """Octal, hexadecimal, sexagesimal and truth words are strings, so that they fit no other type; keys stand once."""
    refused_file(tmp_path, "c.yaml", SMALL.format(scopes=scopes, number=number))


async def test_atk_080_a_word_for_no_is_no_registry() -> None:
    """`scopes: [no]` is the text `no`, which no reference's registry can be."""
    assert (await rejected(document(scopes=["no"]))).path == "executors[0].scopes[0]"


def test_atk_080_duplicate_keys_in_json(tmp_path: Path) -> None:
    """The last of two equal keys does not win."""
    text = '{"executors": [], "executors": [{}]}'
    assert refused_file(tmp_path, "c.json", text).reason == "JSON_DUPLICATE_KEY"


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {sentinel}']",
        "!!python/object/new:os.system [touch {sentinel}]",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {sentinel}']",
    ],
)
def test_atk_081_documents_construct_nothing(tag: str, tmp_path: Path) -> None:
    """Every tag is refused; no object is made and no command runs."""
    sentinel = tmp_path / "sentinel"
    error = refused_file(tmp_path, "c.yaml", f"executors: {tag.format(sentinel=sentinel)}\n")
    assert "tags are not accepted" in error.message
    assert not sentinel.exists()


def test_atk_081_no_unsafe_reader_is_in_the_code() -> None:
    """Pickles, marshalled code, shelves and YAML loaders that construct objects are nowhere imported or called."""
    source = Path(__file__).resolve().parents[2] / "src"
    for path in source.rglob("*.py"):
        text = path.read_text()
        for word in ("import pickle", "import marshal", "import shelve", "yaml.load(", "yaml.unsafe"):
            assert word not in text, path


@pytest.mark.parametrize(
    "tree",
    [
        {"threshold": -1, "rules": [{"verifierName": "cosign"}]},
        {"threshold": None, "rules": [{"verifierName": "cosign"}]},
        {"threshold": 0, "rules": []},
        {"threshold": 0},
        {"rules": []},
        {},
        {"rules": [{}]},
        {"rules": [{"threshold": 0}]},
        {"rules": [{"rules": []}]},
        {"rules": [{"verifierName": "cosign", "threshold": -1}]},
        {"rules": None},
    ],
)
async def test_atk_109_no_threshold_means_nothing_needed(tree: Any) -> None:
    """Negative and null thresholds and groups without rules are refused."""
    await rejected(policy(tree))


async def test_atk_109_zero_and_nothing_mean_all() -> None:
    """0 is accepted because Ratify v2's files use it, and means all rules, as a missing threshold does."""
    rules = [{"verifierName": "cosign"}, {"verifierName": "other"}]
    both = policy({"threshold": 0, "rules": rules})
    other = {
        "name": "other",
        "type": "cosign",
        "parameters": {"trustPolicies": [{"keys": {"files": ["keys/other.pub"]}}]},
    }
    both["executors"][0]["verifiers"].append(other)
    assert (await (await build(both)).validate(REFERENCE)).decision is Decision.DENY
    del both["executors"][0]["policyEnforcer"]["parameters"]["policy"]["threshold"]
    assert (await (await build(both)).validate(REFERENCE)).decision is Decision.DENY
    both["executors"][0]["policyEnforcer"]["parameters"]["policy"]["threshold"] = 1
    assert (await (await build(both)).validate(REFERENCE)).decision is Decision.ALLOW


@pytest.mark.parametrize("threshold", [1.9, 0.5, 1.0, "1", True, False, [1], float("nan")])
async def test_atk_110_thresholds_are_whole_numbers(threshold: Any) -> None:
    """Nothing is cut off or converted, not even 1.0."""
    rules = [{"verifierName": "cosign"}]
    error = await rejected(policy({"threshold": threshold, "rules": rules}))
    assert error.path == "executors[0].policyEnforcer.parameters.policy.threshold"
    await rejected(policy({"rules": [{"verifierName": "cosign", "threshold": threshold, "rules": rules}]}))


@pytest.mark.parametrize(
    "tree",
    [
        {"threshold": 2, "rules": [{"verifierName": "cosign"}]},
        {"threshold": 10**30, "rules": [{"verifierName": "cosign"}]},
        {"rules": [{"verifierName": "notation"}]},
        {"rules": [{"verifierName": "Cosign"}]},
        {"rules": [{"verifierName": "cosign", "rules": [{"verifierName": "nosuch"}]}]},
        {"rules": [{"verifierName": "cosign", "threshold": 1}]},
        {"rules": [{"threshold": 2, "rules": [{"verifierName": "cosign"}]}]},
    ],
)
async def test_atk_111_rules_that_can_never_be_satisfied(tree: Any) -> None:
    """A threshold over the number of rules and a rule for a verifier that does not exist are refused."""
    await rejected(policy(tree))


@pytest.mark.parametrize(
    ("config", "suggestion"),
    [
        (policy({"treshold": 2, "rules": [{"verifierName": "cosign"}]}), "threshold"),
        (policy({"rules": [{"verifierName": "cosign", "threshhold": 1}]}), "threshold"),
        (policy({"rules": [{"verifier": "cosign"}]}), "verifierName"),
        (keys({"file": ["keys/cosign.pub"]}), "files"),
        (document(verifierz=[]), "verifiers"),
        (document(limits={"blobByte": 1}), "blobBytes"),
        ({**document(), "executer": []}, "executors"),
        ({**document(), "cache": {"memorybytes": 1}}, "memoryBytes"),
    ],
)
async def test_atk_115_misspelled_keys_are_refused(config: Any, suggestion: str) -> None:
    """The right spelling is suggested."""
    error = await rejected(config)
    assert suggestion in f"{error.message} {error.remedy}"


@pytest.mark.parametrize(
    ("kind", "type_name", "member"),
    [
        ("verifiers", "cosign", "certificateOidcIsuer"),
        ("verifiers", "notation", "trustedIdentites"),
        ("stores", "registry-store", "plainHTTP"),
        ("stores", "filesystem-oci-store", "paths"),
        ("policies", "threshold-policy", "polcy"),
    ],
)
async def test_atk_115_every_plugin_refuses_what_it_does_not_know(
    kind: str, type_name: str, member: str
) -> None:
    """No parameter is ever ignored."""
    part = {"type": type_name, "parameters": {member: ["x"]}}
    changes = {
        "verifiers": {"verifiers": [{**part, "name": "x"}]},
        "stores": {"stores": [part]},
        "policies": {"policyEnforcer": part},
    }
    error = await rejected(document(**changes[kind]))
    assert "unknown key" in error.message or "required key" in error.message


def test_atk_115_every_struct_forbids_unknown_keys() -> None:
    """The configuration's own structs and every installed plugin's are frozen and closed."""
    kinds = [Config]
    for group in ("stores", "verifiers", "policies", "credentials", "keys"):
        registry = Registry[Any](group)
        kinds += [registry.load(name, name).options for name in registry.names()]
    found = frozenset().union(*(structs(kind) for kind in kinds))
    assert len(found) > 10
    for struct in found:
        config = struct.__struct_config__
        assert config.forbid_unknown_fields, struct
        assert config.frozen, struct


@pytest.mark.parametrize("level", ["enforced", "Strict", "none", "audit "])
async def test_atk_117_modes_are_an_enumeration(level: str) -> None:
    """A misspelled verification level is refused and never means a weaker one."""
    parameters = {
        "trustedIdentities": ["*"],
        "certificates": [{"type": "ca", "files": ["certs/ca.pem"]}],
        "level": level,
    }
    await rejected(document(verifiers=[{"name": "n", "type": "notation", "parameters": parameters}]))


async def test_atk_117_one_executors_mode_is_not_anothers() -> None:
    """An executor that only audits and one that enforces stand side by side and keep to themselves."""

    def notation(scope: str, level: str) -> dict[str, Any]:
        parameters = {
            "trustedIdentities": ["*"],
            "certificates": [{"type": "ca", "files": ["certs/other-ca.pem"]}],
            "level": level,
        }
        part: dict[str, Any] = document(
            scopes=[scope], verifiers=[{"name": "n", "type": "notation", "parameters": parameters}]
        )["executors"][0]
        return part

    engine = await build({"executors": [notation("a.io", "audit"), notation("b.io", "strict")]})
    audited = await engine.validate(Reference.parse("a.io/app:notation-jws-ec"))
    enforced = await engine.validate(Reference.parse("b.io/app:notation-jws-ec"))
    assert enforced.decision is Decision.DENY
    assert audited.artifacts[0].results[0].details is not None
    assert audited.artifacts[0].results[0].details.warnings


@pytest.mark.parametrize(
    "sources",
    [
        {"files": ["nosuch.pub"]},
        {"files": []},
        {"files": [""]},
        {"files": ["keys/cosign.pub", "nosuch.pub"]},
        {"files": ["keys/cosign.key"]},
        {"files": ["certs/ec.key"]},
        {"files": ["README.md"]},
        {"files": ["certs"]},
        {"inline": {"keys": ""}},
        {"inline": {"keys": "garbage"}},
        {"inline": {}},
        {"inline": {"certs": "x"}},
        {"inline": "x"},
        {},
        None,
        {"files": ["keys/cosign.pub"], "inline": {"keys": "x"}},
    ],
)
async def test_atk_238_every_source_of_trust_must_yield_something(sources: Any) -> None:
    """Missing, empty, partly unreadable, private and garbled key sources are refused when the configuration is read."""
    await rejected(keys(sources))


@pytest.mark.parametrize(
    "certificates", [[], [{"type": "ca"}], [{"files": ["nosuch.pem"]}], [{"files": ["keys"]}]]
)
async def test_atk_238_every_trust_store_must_yield_something(certificates: Any) -> None:
    """The same for certificates."""
    parameters = {"trustedIdentities": ["*"], "certificates": certificates}
    await rejected(document(verifiers=[{"name": "n", "type": "notation", "parameters": parameters}]))


async def test_atk_242_a_new_configuration_is_a_new_generation() -> None:
    """Verdicts are tied to the engine that made them, and a stricter configuration decides at once."""
    engine = await build(document())
    assert (await engine.validate(REFERENCE)).decision is Decision.ALLOW
    stricter = await build(keys({"files": ["keys/other.pub"]}))
    assert (await stricter.validate(REFERENCE)).decision is Decision.DENY
    assert stricter.generation != engine.generation


async def test_atk_245_the_environment_widens_no_trust(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variables that other tools obey change no verdict; only those that the configuration names are read."""
    before = await (await build(keys({"files": ["keys/other.pub"]}))).validate(REFERENCE)
    for name in (
        "RATIFY_TRUST_ROOT",
        "RATIFY_LOG_LEVEL",
        "SIGSTORE_ROOT_FILE",
        "SIGSTORE_REKOR_PUBLIC_KEY",
        "COSIGN_EXPERIMENTAL",
        "COSIGN_REPOSITORY",
        "NOTATION_CONFIG",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "PYTHONHTTPSVERIFY",
    ):
        monkeypatch.setenv(name, str(MATERIAL / "keys" / "cosign.pub"))
    after = await (await build(keys({"files": ["keys/other.pub"]}))).validate(REFERENCE)
    assert (before.decision, before.failure) == (after.decision, after.failure)
    assert before.decision is Decision.DENY


async def test_atk_245_variables_never_change_the_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable's value stays one string, whatever it looks like, and reads no file."""
    for value in ('"], "scopes": ["*', "file:keys/cosign.pub", "${PATH}", "[a, b]"):
        monkeypatch.setenv("EVIL", value)
        loaded = decode_config(keys({"inline": {"keys": "${EVIL}"}}), MATERIAL, os.environ)
        parameters = loaded.config.executors[0].verifiers[0].parameters
        assert parameters["trustPolicies"][0]["keys"]["inline"]["keys"] == value
        await rejected(keys({"inline": {"keys": "${EVIL}"}}))


@pytest.mark.parametrize("provider", ["azurekeyvault", "awskms", "gcpkms", "vault", "hashivault"])
async def test_atk_246_no_key_service_is_asked_by_a_configuration_alone(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its plugin is not installed it is refused by name; where it is, an address that is not https is none."""
    given = keys({provider: {"vaultURL": "http://key-service.example", "references": ["x"]}})
    assert (await rejected(given)).path
    hide(monkeypatch, provider, "vault", "hashivault", "openbao")
    error = await rejected(given)
    assert provider in error.message
    assert "no plugin of kind keys" in error.message
