"""The notation plugin: Ratify v2's parameters, and notation's own files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.shared_resources import Shared
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.testing.certificates import signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe
from pyratify.verifiers.notation import notation_plugin
from pyratify.verifiers.notation.envelope import SIGNING_AUTHORITY
from pyratify.verifiers.notation.notation_plugin import plugin
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from support.notation_bench import LEAF, MIDDLE, ROOT, details, found, judge

IDENTITY = "x509.subject: C=US, ST=WA, O=Example"
CA = {"type": "ca", "files": ["root.pem"]}
POLICY = {
    "version": "1.0",
    "trustPolicies": [
        {
            "name": "all",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:acme"],
            "trustedIdentities": [IDENTITY],
        }
    ],
}


@dataclass(frozen=True)
class Provider:
    """Delivers the root."""

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """The root."""
        return (ROOT.material,)


@dataclass(frozen=True)
class Lent:
    """What a configuration reader lends, with one certificate whatever is asked for."""

    base: Path = Path()
    clock: FakeClock = field(default_factory=FakeClock)
    shared: Shared = field(default_factory=Shared)

    async def certificates(self, sources: Mapping[str, Any], path: str) -> Provider:
        """The root."""
        assert path.startswith("certificates[")
        assert sources
        return Provider()


async def build(base: Path = Path(), **parameters: Any) -> NotationVerifier:
    """Build the verifier from parameters as they stand in a configuration."""
    options = msgspec.convert(parameters, plugin.options)
    lent: Any = Lent(base)
    verifier: NotationVerifier = await plugin.build("notation", options, lent)
    return verifier


async def test_ratify_s_own_parameters_make_a_verifier() -> None:
    """Scopes default to everything, certificates to the type ca, the level to strict."""
    verifier = await build(certificates=[{"files": ["root.pem"]}], trustedIdentities=["*"])
    assert verifier.name == "notation"
    report = details(await judge(verifier=verifier))
    assert report.data["level"] == "strict"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"trustedIdentities": [IDENTITY]}, None),
        ({"trustedIdentities": ["x509.subject: C=US, ST=WA, O=Other"]}, Reason.IDENTITY_MISMATCH),
        ({"scopes": ["example.com/app"]}, None),
        ({"scopes": ["example.com/other"]}, Reason.POLICY_NOT_FOUND),
        ({"requiredMetadata": {"a": "b"}}, Reason.METADATA_MISMATCH),
        ({"certificates": [{"type": "signingAuthority", "files": ["x"]}]}, Reason.CHAIN_UNTRUSTED),
    ],
)
async def test_each_parameter_does_what_it_says(parameters: dict[str, Any], expected: Reason | None) -> None:
    """One parameter changed at a time."""
    verifier = await build(**{"certificates": [CA], "trustedIdentities": ["*"], **parameters})
    result = await judge(verifier=verifier)
    if expected is None:
        details(result)
    else:
        assert found(result).reason is expected


async def test_several_types_of_certificates_are_kept_apart() -> None:
    """One verifier for both signing schemes."""
    both = [CA, {"type": "signingAuthority", "inline": {"certs": "..."}}]
    verifier = await build(certificates=both, trustedIdentities=["*"])
    for recipe in (Recipe(), Recipe(scheme=SIGNING_AUTHORITY)):
        details(await judge(recipe, verifier=verifier))


async def test_a_permissive_level_reports_what_strict_refuses() -> None:
    """The level of the short form is notation's."""
    stranger = ["x509.subject: C=US, ST=WA, O=Other"]
    strict = await build(certificates=[CA], trustedIdentities=stranger, level="strict")
    assert found(await judge(verifier=strict)).reason is Reason.IDENTITY_MISMATCH
    audit = await build(certificates=[CA], trustedIdentities=stranger, level="audit")
    details(await judge(verifier=audit))


@pytest.mark.parametrize("inline", [True, False])
async def test_notation_s_own_files_make_a_verifier(tmp_path: Path, inline: bool) -> None:
    """The trust policy in the configuration or beside it, with notation's trust store."""
    folder = tmp_path / "trust" / "x509" / "ca" / "acme"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(ROOT.pem)
    (tmp_path / "trustpolicy.json").write_text(json.dumps(POLICY))
    policy = POLICY if inline else "trustpolicy.json"
    verifier = await build(tmp_path, trustPolicy=policy, trustStore="trust")
    details(await judge(verifier=verifier))


async def test_certificates_can_be_given_for_a_named_trust_store() -> None:
    """A trust policy without a folder of certificates."""
    verifier = await build(trustPolicy=POLICY, certificates=[CA | {"name": "acme"}])
    details(await judge(verifier=verifier))


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        pytest.param({}, "certificates", id="nothing"),
        pytest.param({"trustedIdentities": ["*"]}, "certificates", id="no-certificates"),
        pytest.param({"certificates": [CA]}, "trustedIdentities", id="no-identities"),
        pytest.param(
            {"certificates": [CA, CA], "trustedIdentities": ["*"]}, "certificates[1]", id="type-twice"
        ),
        pytest.param(
            {"certificates": [{"type": "root", "files": []}]}, "certificates[0].type", id="unknown-type"
        ),
        pytest.param({"certificates": [{"type": "ca"}]}, "certificates[0]", id="no-provider"),
        pytest.param({"certificates": [CA | {"name": 1}]}, "certificates[0].name", id="name-number"),
        pytest.param(
            {"certificates": [CA], "trustedIdentities": ["*"], "scopes": []}, "scopes", id="no-scopes"
        ),
        pytest.param(
            {"certificates": [CA], "trustedIdentities": ["*"], "level": "none"}, "level", id="unknown-level"
        ),
        pytest.param(
            {"certificates": [CA], "trustedIdentities": ["x509.subject: CN=x"]},
            "trustedIdentities[0]",
            id="vague-identity",
        ),
        pytest.param(
            {"certificates": [CA], "trustedIdentities": ["*"], "trustStore": "x"}, "trustStore", id="store"
        ),
        pytest.param({"trustPolicy": POLICY}, "", id="store-not-given"),
        pytest.param({"trustPolicy": POLICY, "trustStore": "nowhere"}, "", id="store-not-there"),
        pytest.param({"trustPolicy": POLICY, "level": "strict"}, "trustPolicy", id="policy-and-level"),
        pytest.param({"trustPolicy": POLICY, "scopes": ["a.b/c"]}, "trustPolicy", id="policy-and-scopes"),
        pytest.param(
            {"trustPolicy": POLICY, "trustedIdentities": ["*"]}, "trustPolicy", id="policy-and-identities"
        ),
        pytest.param({"trustPolicy": "nowhere.json"}, "trustPolicy", id="policy-not-there"),
        pytest.param({"trustPolicy": {}}, "trustPolicy.version", id="empty-policy"),
    ],
)
async def test_faults_of_the_parameters_are_refused_where_they_stand(
    parameters: dict[str, Any], path: str, tmp_path: Path
) -> None:
    """Nothing is left to be found out when the first image arrives."""
    with pytest.raises(ConfigurationError) as error:
        await build(tmp_path, **parameters)
    assert error.value.path == path


@pytest.mark.parametrize("parameters", [{"certs": []}, {"trustedIdentities": "*"}, {"strictExtensions": 1}])
def test_unknown_and_mistyped_parameters_are_refused(parameters: dict[str, Any]) -> None:
    """By the description of the parameters alone."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(parameters, plugin.options)


async def test_certificates_are_parsed_when_the_verifier_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signer's certificate among the anchors is found out at once."""

    async def leaf(self: Provider) -> tuple[KeyMaterial, ...]:
        """Deliver certificates of signers."""
        return (signer(MIDDLE).material, LEAF.material)

    monkeypatch.setattr(Provider, "certificates", leaf)
    with pytest.raises(ConfigurationError) as error:
        await build(certificates=[CA], trustedIdentities=["*"])
    assert error.value.reason is Reason.KEY_INVALID


async def test_verifiers_of_one_engine_share_what_is_known_of_revocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With equal parameters one checker; with others another."""
    lent: Any = Lent()
    made: list[RevocationChecker] = []

    def make(*given: Any, **named: Any) -> RevocationChecker:
        made.append(RevocationChecker(*given, **named))
        return made[-1]

    monkeypatch.setattr(notation_plugin, "RevocationChecker", make)

    async def checkers(**parameters: Any) -> int:
        """Build a verifier; return how many checkers there are."""
        options = msgspec.convert(
            {"certificates": [CA], "trustedIdentities": ["*"], "revocation": parameters}, plugin.options
        )
        await plugin.build("notation", options, lent)
        return len(made)

    assert [await checkers(), await checkers()] == [1, 1]
    assert await checkers(allowedHosts=["crl.corp.example"]) == 2


@pytest.mark.parametrize(
    "parameters",
    [{"seconds": 0}, {"ocspSeconds": -1}, {"listSeconds": 301}, {"allowedHosts": "x"}, {"hosts": []}],
)
def test_parameters_of_revocation_are_checked(parameters: dict[str, Any]) -> None:
    """Times are positive and bounded, and unknown names are refused."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"revocation": parameters}, plugin.options)


def notation_folder(folder: Path) -> Path:
    """Lay out a folder as notation does, and return it."""
    store = folder / "truststore" / "x509" / "ca" / "acme"
    store.mkdir(parents=True)
    (store / "root.pem").write_bytes(ROOT.material.data)
    (folder / "trustpolicy.json").write_text(json.dumps(POLICY))
    return folder


async def test_notations_own_folder_is_all_that_is_needed(tmp_path: Path) -> None:
    """Trust policy and trust store are taken from where notation keeps them, relative to the configuration."""
    notation_folder(tmp_path / "notation")
    verifier = await build(tmp_path, notationConfig="notation")
    assert details(await judge(verifier=verifier)).data["trustPolicy"] == "all"


@pytest.mark.parametrize(
    "others", [{"trustPolicy": POLICY}, {"trustStore": "x"}, {"trustedIdentities": ["*"]}, {"level": "audit"}]
)
async def test_notations_folder_stands_alone(others: dict[str, Any], tmp_path: Path) -> None:
    """What the folder says is not said twice."""
    with pytest.raises(ConfigurationError):
        await build(notation_folder(tmp_path), notationConfig=".", **others)


async def test_wildcard_scopes_are_an_option() -> None:
    """A prefix is refused until the configuration asks for it."""
    parameters: dict[str, Any] = {
        "certificates": [CA],
        "trustedIdentities": ["*"],
        "scopes": ["example.com/team/*"],
    }
    with pytest.raises(ConfigurationError) as error:
        await build(**parameters)
    assert error.value.path == "scopes"
    assert (await build(**parameters, wildcardScopes=True)).name == "notation"


async def test_plugins_that_may_be_run_must_be_there(tmp_path: Path) -> None:
    """A name without a program is found when the configuration is read."""
    trust: dict[str, Any] = {"certificates": [CA], "trustedIdentities": ["*"]}
    plugins = {"folder": "plugins", "allowed": ["com.example.check"]}
    with pytest.raises(ConfigurationError) as error:
        await build(tmp_path, **trust, plugins=plugins)
    assert error.value.path == "plugins.allowed"
    program = tmp_path / "plugins" / "com.example.check" / "notation-com.example.check"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    assert (await build(tmp_path, **trust, plugins=plugins)).name == "notation"


async def test_a_trust_policy_file_has_a_bounded_size(tmp_path: Path) -> None:
    """A path that was mistyped may name anything, and is not read to its end."""
    (tmp_path / "large.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigurationError, match="has more than 4194304 bytes") as caught:
        await build(tmp_path, trustPolicy="large.json", trustStore="trust")
    assert caught.value.path == "trustPolicy"
