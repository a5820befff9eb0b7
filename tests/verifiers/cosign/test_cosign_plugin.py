"""The cosign plugin: Ratify v2's parameters, strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.config.decode import decode
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reference import Reference
from pyratify.core.shared_resources import Shared
from pyratify.testing.certificates import pem
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_plugin import plugin
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import KEY, ONE, Setting, passed

KEYS = {"inline": {"keys": "..."}}
ANYBODY = {"certificateOIDCIssuer": ISSUER}
OTHERS = {"certificateIdentityRegex": ".*@elsewhere\\.test", "certificateOIDCIssuer": ISSUER}
IDENTITY = {"certificateIdentity": SUBJECT, "certificateOIDCIssuer": ISSUER}


@dataclass(frozen=True)
class Provider:
    """Delivers what it is given."""

    found: tuple[KeyMaterial, ...]

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """The keys."""
        return self.found


@dataclass(frozen=True)
class Lent:
    """What a configuration reader lends, with one key whatever is asked for."""

    clock: Clock
    key: CosignKey = KEY
    scopes: tuple[str, ...] = ("example.com",)
    verifiers: tuple[str, ...] = ("cosign",)
    base: Path = Path()
    shared: Shared = field(default_factory=Shared)

    async def keys(self, sources: Mapping[str, Any], path: str) -> Provider:
        """One key."""
        assert path == "trustPolicies[0].keys"
        assert len(sources) == 1
        return Provider((self.key.material,))

    async def certificates(self, sources: Mapping[str, Any], path: str) -> Any:
        """Never asked for."""
        raise NotImplementedError

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> Any:
        """Never asked for."""
        raise NotImplementedError


async def build(*policies: Mapping[str, Any], lent: Lent | None = None) -> CosignVerifier:
    """Build the verifier from parameters as they stand in a file."""
    options = msgspec.convert({"trustPolicies": list(policies)}, plugin.options)
    built = await plugin.build("cosign", options, lent or Lent(FakeClock()))
    assert isinstance(built, CosignVerifier)
    return built


@pytest.mark.parametrize(
    "parameters",
    [
        {"keys": KEYS},
        {"scopes": ["example.com/app"], "keys": KEYS, "ignoreTLog": True},
        {
            "keys": KEYS,
            "certificateIdentity": "",
            "certificateIdentityRegex": "",
            "certificateOIDCIssuer": "",
            "certificateOIDCIssuerRegex": "",
            "ignoreTLog": False,
            "ignoreCTLog": False,
            "ignoreObserverTimestamps": False,
        },
        {"keys": KEYS, "annotations": {}, "requireDockerReference": False},
    ],
)
async def test_the_parameters_of_ratify_v2_verify_a_signature(parameters: dict[str, Any]) -> None:
    """With and without scopes, which default to the executor's."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    executor = Executor(store=setting.store, verifiers=(await build(parameters),), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    details = passed(result)
    assert details.data.get("ignored") == (["tlog"] if parameters.get("ignoreTLog") else None)


@pytest.mark.parametrize(
    ("parameters", "path", "told"),
    [
        ({}, "trustPolicies[0]", "neither keys nor"),
        ({"keys": {}}, "trustPolicies[0]", "neither keys nor"),
        ({"ignoreTLog": True}, "trustPolicies[0]", "neither keys nor"),
        ({"keys": {"inline": {}, "files": []}}, "trustPolicies[0].keys", "more than one"),
        (
            {"certificateIdentity": "a@b.c"},
            "trustPolicies[0].certificateOIDCIssuer",
            "exactly one subject and one issuer",
        ),
        (
            {"certificateOIDCIssuerRegex": "https://.*"},
            "trustPolicies[0].certificateIdentity",
            "exactly one subject and one issuer",
        ),
        (
            {**ANYBODY, "certificateIdentityRegex": "(.|x)*"},
            "trustPolicies[0].certificateIdentityRegex",
            "matches everything",
        ),
        (
            {**ANYBODY, "certificateIdentityRegex": "(a"},
            "trustPolicies[0].certificateIdentityRegex",
            "no expression that can be used",
        ),
        (
            {**IDENTITY, "certificateExtensions": {"githubWorkflowTriger": "push"}},
            "trustPolicies[0].extensions",
            "no certificate states",
        ),
        (
            {"identities": [IDENTITY, {"certificateIdentity": "a@b.c"}]},
            "trustPolicies[0].identities[1].certificateOIDCIssuer",
            "one issuer",
        ),
        (
            {**IDENTITY, "ignoreTLog": True, "ignoreObserverTimestamps": True},
            "trustPolicies[0].ignoreTLog",
            "would have no time",
        ),
        ({**IDENTITY, "trustedRoot": "missing.json"}, "trustPolicies[0].trustedRoot", "No such file"),
        ({"keys": KEYS, "certificateIdentity": "a@b.c"}, "trustPolicies[0]", "one or the other"),
        ({"keys": KEYS, "predicateTypes": []}, "trustPolicies[0].predicateTypes", "at least one"),
        ({"keys": KEYS, "scopes": []}, "trustPolicies[0].scopes", "at least one"),
    ],
)
async def test_a_trust_policy_that_cannot_be_meant_is_refused_at_its_path(
    parameters: dict[str, Any], path: str, told: str
) -> None:
    """No signer trusted, any signer trusted, two modes at once, or no way to know the time."""
    with pytest.raises(ConfigurationError, match=told) as caught:
        await build(parameters)
    assert caught.value.path == path


async def build_in(base: Path, parameters: Mapping[str, Any]) -> CosignVerifier:
    """Build the verifier with files that the parameters name."""
    options = msgspec.convert({"trustPolicies": [parameters]}, plugin.options)
    built = await plugin.build("cosign", options, Lent(FakeClock(), base=base))
    assert isinstance(built, CosignVerifier)
    return built


def write_parts(sigstore: PrivateSigstore, folder: Path) -> dict[str, Any]:
    """Write an instance's certificates and keys, and return the parameters that name them."""
    (folder / "fulcio.pem").write_bytes(pem(*sigstore.intermediate.chain))
    (folder / "tsa.pem").write_bytes(pem(*sigstore.tsa.chain))
    (folder / "rekor.pub").write_bytes(sigstore.logs[1].der)
    (folder / "rekor2.pub").write_bytes(sigstore.logs[2].der)
    (folder / "ct.pub").write_bytes(sigstore.certificates.der)
    return {
        "fulcioCertificates": ["fulcio.pem"],
        "rekorKeys": [{"file": "rekor.pub"}, {"file": "rekor2.pub", "origin": sigstore.logs[2].name}],
        "ctLogKeys": ["ct.pub"],
        "timestampCertificates": ["tsa.pem"],
    }


@pytest.mark.parametrize("how", ["root", "parts"])
@pytest.mark.parametrize("log", [1, 2])
async def test_an_identity_with_a_root_of_its_own_verifies_a_keyless_signature(
    tmp_path: Path, how: str, log: int
) -> None:
    """The trusted root whole, or in parts, from files beside the configuration."""
    sigstore, setting = PrivateSigstore(), Setting()
    (tmp_path / "root.json").write_bytes(sigstore.root.data)
    named = {"trustedRoot": "root.json"} if how == "root" else write_parts(sigstore, tmp_path)
    signed = sigstore.sign_statement(statement(setting.image.digest), Signing(log=log))
    attach_bundle(setting.store, setting.image, signed)
    for parameters in ({**IDENTITY, **named}, {"identities": [OTHERS, IDENTITY], **named}):
        executor = Executor(
            store=setting.store, verifiers=(await build_in(tmp_path, parameters),), policy=ONE
        )
        result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
        assert passed(result).signers == (f"sigstore:{ISSUER}#{SUBJECT}",)


@pytest.mark.parametrize("listed", [False, True])
async def test_any_identity_is_trusted_where_that_is_said(tmp_path: Path, listed: bool) -> None:
    """Expressions that match everything are refused unless `allowAnyIdentity` says that they are meant."""
    sigstore, setting = PrivateSigstore(), Setting()
    (tmp_path / "root.json").write_bytes(sigstore.root.data)
    attach_bundle(setting.store, setting.image, sigstore.sign_statement(statement(setting.image.digest)))
    everybody = {"certificateIdentityRegex": ".*", "certificateOIDCIssuerRegex": ".*"}
    meant = {**everybody, "allowAnyIdentity": True}

    def policy(whom: Mapping[str, Any]) -> dict[str, Any]:
        return {"trustedRoot": "root.json", **({"identities": [whom]} if listed else whom)}

    with pytest.raises(ConfigurationError) as caught:
        await build_in(tmp_path, policy(everybody))
    assert "allowAnyIdentity" in caught.value.remedy
    executor = Executor(store=setting.store, verifiers=(await build_in(tmp_path, policy(meant)),), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert passed(result).signers == (f"sigstore:{ISSUER}#{SUBJECT}",)


async def test_a_root_whole_and_in_parts_is_refused(tmp_path: Path) -> None:
    """It would be ambiguous which of the two decides."""
    parameters = {**IDENTITY, "trustedRoot": "staging", **write_parts(PrivateSigstore(), tmp_path)}
    with pytest.raises(ConfigurationError, match="whole and in parts"):
        await build_in(tmp_path, parameters)


@pytest.mark.parametrize("root", [None, "public-good", "staging"])
async def test_the_public_instances_are_shipped(root: str | None) -> None:
    """Sigstore's public instance is the default; nothing is asked of any network."""
    assert await build({**IDENTITY, "trustedRoot": root})


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"keys": KEYS, "trustedRoot": ""}, "trustedRoot"),
        ({**IDENTITY, "trustedRoot": ""}, "trustedRoot"),
        ({**IDENTITY, "signerWorkflow": ""}, "signerWorkflow"),
        ({**IDENTITY, "rekorKeys": [{"file": "x", "origin": ""}]}, "rekorKeys[0].origin"),
        ({"keys": KEYS, "certificateIdentity": ""}, "certificateIdentity"),
        ({"keys": KEYS, "certificateIdentityRegex": ""}, "certificateIdentityRegex"),
        ({"keys": KEYS, "certificateIdentity": "", "certificateOIDCIssuer": ""}, "certificateIdentity"),
        ({"keys": KEYS, "certificateOIDCIssuerRegex": ""}, "certificateOIDCIssuerRegex"),
        ({"identities": [IDENTITY], "certificateOIDCIssuer": ""}, "certificateOIDCIssuer"),
        ({**IDENTITY, "certificateExtensions": {"githubWorkflowRef": ""}}, "extensions.githubWorkflowRef"),
    ],
)
async def test_an_empty_text_switches_no_demand_off(parameters: dict[str, Any], name: str) -> None:
    """As where a template was filled from an unset variable; the error names the key."""
    document = {"trustPolicies": [parameters]}
    with pytest.raises(ConfigurationError) as caught:
        await plugin.build("cosign", decode(plugin.options, document), Lent(FakeClock()))
    assert caught.value.path == f"trustPolicies[0].{name}"


@pytest.mark.parametrize(
    "parameters",
    [
        {
            "certificateIdentity": "",
            "certificateIdentityRegex": SUBJECT.replace(".", "[.]"),
            "certificateOIDCIssuer": ISSUER,
            "certificateOIDCIssuerRegex": "",
        },
        {
            "keys": KEYS,
            "certificateIdentity": "",
            "certificateIdentityRegex": "",
            "certificateOIDCIssuer": "",
            "certificateOIDCIssuerRegex": "",
        },
    ],
    ids=["beside the other spelling", "all four"],
)
async def test_ratify_v2_writes_what_is_not_meant_as_empty_texts(parameters: dict[str, Any]) -> None:
    """Its own configurations are accepted as they are: what is meant stands beside them."""
    assert await build(parameters)


async def test_no_trust_policy_at_all_is_refused() -> None:
    """An empty list trusts no signer."""
    with pytest.raises(ConfigurationError, match="at least one trust policy"):
        await build()


@pytest.mark.parametrize(
    "parameters",
    [
        {"trustPolicies": [{"keys": KEYS}], "ignoreTLog": True},
        {"trustPolicies": [{"keys": KEYS, "ignoreTlog": True}]},
        {"trustPolicies": [{"keys": KEYS, "ignoreTLog": "yes"}]},
        {"trustPolicies": {"keys": KEYS}},
        {},
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(parameters: dict[str, Any]) -> None:
    """Also a known one in the wrong place."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(parameters, plugin.options)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("transparencyLogs", {"keys": KEYS, "transparencyLogs": 1}),
        ("certificateLogs", {"keys": KEYS, "certificateLogs": 1}),
        ("signedTimestamps", {"keys": KEYS, "signedTimestamps": 1}),
        ("transparencyLogs", {**IDENTITY, "transparencyLogs": 2, "ignoreTLog": True}),
        ("certificateLogs", {**IDENTITY, "certificateLogs": 1, "ignoreCTLog": True}),
        ("signedTimestamps", {**IDENTITY, "signedTimestamps": 1, "ignoreObserverTimestamps": True}),
    ],
)
async def test_a_number_that_would_have_no_effect_is_refused(name: str, parameters: dict[str, Any]) -> None:
    """Beside keys alone nothing says which logs are trusted; a flag that turns the check off contradicts it."""
    with pytest.raises(ConfigurationError) as caught:
        await build(parameters)
    assert caught.value.path == f"trustPolicies[0].{name}"
