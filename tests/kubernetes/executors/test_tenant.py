"""What a namespace's resource may say."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from pyratify.core.addresses import PUBLIC_ONLY, Destinations
from pyratify.core.errors import ConfigurationError
from pyratify.core.shared_resources import Shared
from pyratify.kubernetes.executors.build_executor import plugin_resources_for, read_spec
from pyratify.kubernetes.secrets.secret_reader import ClusterResources
from pyratify.stores.registry.registry_plugin import Options
from pyratify.testing.fakes import FakeClock
from support.clusters import KEY, spec

ALIEN = {"type": "registry-store"}
EXPRESSION = {
    "certificateIdentityRegex": "((a?){60}){33}b",
    "certificateOIDCIssuer": "https://issuer.example",
}


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a specification with a cosign and a notation verifier, one place of it changed."""
    found: Any = spec("a.example")
    certificates = [{"type": "ca", "inline": {"certs": "PEM"}}]
    notation = {"certificates": certificates, "trustedIdentities": ["*"], "revocation": {}}
    found["verifiers"].append({"name": "notation", "type": "notation", "parameters": notation})
    place = found
    for part in path[:-1]:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    place[path[-1]] = value
    return dict(found)


COSIGN = ("verifiers", 0, "parameters", "trustPolicies", 0)
NOTATION = ("verifiers", 1, "parameters")
STORE = ("stores", 0, "parameters")
SCHEMA = {"name": "reports", "type": "schema", "parameters": {"schemas": {}}}


def sboms(entries: int) -> dict[str, Any]:
    """Return a verifier of SBOMs with so many denied packages."""
    denied = [{"name": f"p{number}"} for number in range(entries)]
    return {"name": "sbom", "type": "sbom", "parameters": {"deniedPackages": denied}}


def attestations(**rules: Any) -> dict[str, Any]:
    """Return a verifier of attestations with these rules."""
    trusted = [{"keys": {"inline": {"keys": "x"}}}]
    return {"name": "built", "type": "attestation", "parameters": {"trustPolicies": trusted, **rules}}


BUILT = {"provenance": {"sourceUris": ["https://github.com/org/app"]}}


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (("stores", 0, "type"), "filesystem-oci-store", "stores[0].type"),
        ((*STORE, "caFile"), "/etc/passwd", "stores[0].parameters.caFile"),
        ((*STORE, "clientCertFile"), "tls.crt", "stores[0].parameters.clientCertFile"),
        ((*STORE, "clientKeyFile"), "tls.key", "stores[0].parameters.clientKeyFile"),
        ((*STORE, "maxBlobBytes"), 2**40, "stores[0].parameters.maxBlobBytes"),
        ((*STORE, "maxManifestBytes"), 2**40, "stores[0].parameters.maxManifestBytes"),
        ((*STORE, "authRealms"), ["kubernetes.default.svc"], "stores[0].parameters.authRealms"),
        ((*STORE, "credential"), {"provider": "docker"}, "stores[0].parameters.credential.provider"),
        ((*STORE, "credential"), {"provider": "azure"}, "stores[0].parameters.credential.provider"),
        ((*STORE, "credential"), {"provider": ["static"]}, "stores[0].parameters.credential.provider"),
        ((*STORE, "credential"), {}, "stores[0].parameters.credential.provider"),
        ((*COSIGN, "keys"), {"files": ["/keys"]}, "verifiers[0].parameters.trustPolicies[0].keys.files"),
        (
            (*COSIGN, "keys"),
            {"azurekeyvault": {}},
            "verifiers[0].parameters.trustPolicies[0].keys.azurekeyvault",
        ),
        ((*COSIGN, "trustedRoot"), "/root.json", "verifiers[0].parameters.trustPolicies[0].trustedRoot"),
        *(
            ((*COSIGN, name), ["x"], f"verifiers[0].parameters.trustPolicies[0].{name}")
            for name in ("fulcioCertificates", "rekorKeys", "ctLogKeys", "timestampCertificates")
        ),
        *(
            ((*NOTATION, name), "/somewhere", f"verifiers[1].parameters.{name}")
            for name in ("trustStore", "notationConfig", "trustPolicy")
        ),
        ((*NOTATION, "plugins"), {"folder": "/bin", "allowed": ["sh"]}, "verifiers[1].parameters.plugins"),
        ((*NOTATION, "certificates", 0, "files"), ["/ca"], "verifiers[1].parameters.certificates[0].files"),
        (
            (*NOTATION, "revocation", "allowedHosts"),
            ["169.254.169.254"],
            "verifiers[1].parameters.revocation.allowedHosts",
        ),
        (("verifiers", 1, "type"), "third-party", "verifiers[1].type"),
        (("verifiers", 1), SCHEMA, "verifiers[1].type"),
        (("verifiers", 1), sboms(257), "verifiers[1].parameters.deniedPackages"),
        (
            ("verifiers", 1),
            attestations(schema={"file": "/etc/passwd"}),
            "verifiers[1].parameters.schema",
        ),
        (("verifiers", 1), attestations(cel="true"), "verifiers[1].parameters.cel"),
        (
            ("verifiers", 1),
            attestations(requirements=[BUILT, {"rego": {}}]),
            "verifiers[1].parameters.requirements[1].rego",
        ),
        (
            ("verifiers", 1),
            attestations(provenance={"sourceUris": ["x"] * 257}),
            "verifiers[1].parameters.sourceUris",
        ),
        (
            ("verifiers", 1),
            attestations(trustPolicies=[{"trustedRoot": "/etc/passwd"}]),
            "verifiers[1].parameters.trustPolicies[0].trustedRoot",
        ),
        (("policyEnforcer",), {"type": "rego", "parameters": {}}, "policyEnforcer.type"),
        ((*COSIGN, "identities"), [EXPRESSION] * 33, "verifiers"),
        (("verifiers",), [spec("a.example", name=f"v{n}")["verifiers"][0] for n in range(17)], "verifiers"),
        (
            ("stores",),
            [{"type": "registry-store", "scopes": [f"a.example/{n}"]} for n in range(17)],
            "stores",
        ),
        (("scopes",), [f"a.example/{n}" for n in range(129)], "scopes"),
        (("stores", 0, "scopes"), [f"a.example/{n}" for n in range(129)], "stores"),
        (COSIGN[:-1], [{"scopes": [f"a.example/{n}"]} for n in range(65)], "verifiers"),
        ((*NOTATION, "trustPolicy"), {"trustPolicies": [{}] * 64}, "verifiers"),
        (("concurrency",), 17, "concurrency"),
        (("timeout",), 61, "timeout"),
        ((*STORE, "timeout"), 1e9, "stores[0].parameters.timeout"),
        ((*STORE, "timeout"), float("nan"), "stores[0].parameters.timeout"),
        ((*STORE, "mirrors"), [f"m{n}.example" for n in range(9)], "stores[0].parameters.mirrors"),
        ((*STORE, "connectTimeout"), 61, "stores[0].parameters.connectTimeout"),
        *(
            ((*NOTATION, "revocation", name), 61, f"verifiers[1].parameters.revocation.{name}")
            for name in ("ocspSeconds", "listSeconds", "certificateSeconds", "seconds", "deadSeconds")
        ),
        (("limits", "referrers"), 10**9, "limits.referrers"),
        (("limits", "totalBytes"), 2**50, "limits.totalBytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_belongs_to_the_provider_is_not_a_tenants(place: tuple[Any, ...], value: Any, path: str) -> None:
    """Files, programs, credentials, private addresses and large bounds are refused with their path; not for the cluster."""
    given = changed(place, value)
    with pytest.raises(ConfigurationError) as caught:
        read_spec(given, tenant=True)
    assert caught.value.path == f"spec.{path}"
    assert "not in a NamespacedExecutor: " in caught.value.message
    read_spec(given, tenant=False)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*STORE, "credential"), {"provider": "static", "username": "u", "password": "p"}),
        ((*STORE, "caPem"), "-----BEGIN CERTIFICATE-----"),
        ((*COSIGN, "trustedRoot"), "public-good"),
        ((*NOTATION, "trustPolicy"), {"version": "1.0"}),
        (("policyEnforcer",), {"type": "threshold-policy", "parameters": {"policy": {}}}),
        (("verifiers", 1), sboms(256)),
        (("verifiers", 1), attestations(**BUILT)),
        (("verifiers", 1), attestations(requirements=[BUILT])),
        (("concurrency",), 16),
        (("timeout",), 60),
        ((*STORE, "timeout"), 60),
        ((*STORE, "blobHosts"), ["storage.example"]),
        ((*NOTATION, "revocation", "listSeconds"), 60.0),
        (("limits", "referrers"), 5),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else str(value)[:30],
)
def test_what_does_no_harm_is_open(place: tuple[Any, ...], value: Any) -> None:
    """What stands in the resource itself, and less than the usual bounds."""
    assert read_spec(changed(place, value), tenant=True).scopes == ("a.example",)


@pytest.mark.parametrize(
    ("place", "value", "remedy"),
    [
        (("timeout",), 61, "Lower it"),
        ((*STORE, "caFile"), "ca.pem", "Write the certificates into caPem."),
        ((*STORE, "credential"), {"provider": "docker"}, "Use one of anonymous, kubernetes, static"),
        ((*NOTATION, "trustPolicy"), "policy.json", "Write the trust policy itself"),
        ((*NOTATION, "plugins"), {"folder": "/bin"}, "Remove it"),
        ((*COSIGN, "identities"), [EXPRESSION] * 33, "Split the resource"),
    ],
)
def test_a_remedy_is_of_this_very_case(place: tuple[Any, ...], value: Any, remedy: str) -> None:
    """What a tenant can write in its place, or that only an administrator can."""
    with pytest.raises(ConfigurationError) as caught:
        read_spec(changed(place, value), tenant=True)
    assert caught.value.remedy.startswith(remedy)


def test_every_number_of_a_tenants_store_has_a_bound() -> None:
    """One that is added later is bounded by its default, until it is said to be a time."""
    numbers = [each for each in fields(Options) if type(each.default) in (int, float)]
    assert {"timeout", "connectTimeout", "maxBlobBytes"} <= {each.encode_name for each in numbers}
    for each in numbers:
        given = changed((*STORE, each.encode_name), 10**12)
        with pytest.raises(ConfigurationError, match="a namespace may have at most") as caught:
            read_spec(given, tenant=True)
        assert caught.value.path == f"spec.stores[0].parameters.{each.encode_name}"


@pytest.mark.parametrize(
    "name", ["ttl", "cacheTTL", "maxAge", "refreshInterval", "verdictLifetime", "retryDelay"]
)
def test_times_are_known_by_their_names(name: str) -> None:
    """However deep they stand, in every plugin that is open to namespaces."""
    given = changed((*COSIGN, "some"), [{name: 10**12}])
    with pytest.raises(ConfigurationError, match="seconds") as caught:
        read_spec(given, tenant=True)
    assert caught.value.path.endswith(f".some[0].{name}")


def test_expressions_are_counted_over_all_policies_and_verifiers() -> None:
    """Each costs shared time; 32 of them are open, wherever they stand."""
    policy = {**EXPRESSION, "certificateOIDCIssuerRegex": "https://[a-z]+"} | {"identities": [EXPRESSION] * 6}
    given = changed((*COSIGN[:-1],), [policy, policy])
    read_spec(given, tenant=True)
    more = {"name": "more", "type": "cosign", "parameters": {"trustPolicies": [policy, policy]}}
    given["verifiers"].append(more)
    read_spec(given, tenant=True)
    more["parameters"]["trustPolicies"][1]["identities"] = [EXPRESSION] * 7
    given["verifiers"].append({**more, "name": "yet-more"})
    with pytest.raises(ConfigurationError, match="expressions"):
        read_spec(given, tenant=True)


def test_without_a_store_a_tenant_would_have_the_providers_credentials() -> None:
    """The definition demands a store; should it not, the default is not for tenants."""
    given = spec("a.example")
    del given["stores"]
    with pytest.raises(ConfigurationError, match=r"spec\.stores\[0\]\.parameters\.credential\.provider"):
        read_spec(given, tenant=True)


@pytest.mark.parametrize("tenant", [True, False])
@pytest.mark.parametrize("text", ["${HOME}", "x${PATH}y", "file:/etc/passwd"])
def test_nothing_is_put_into_a_resource(text: str, tenant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor files: what looks as if it were replaced is refused, in every kind."""
    monkeypatch.setenv("HOME", "hunter2")
    given = changed((*STORE, "userAgent"), text)
    with pytest.raises(ConfigurationError) as caught:
        read_spec(given, tenant=tenant)
    assert caught.value.path == "spec.stores[0].parameters.userAgent"
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("text", ["$HOME", "${", "${}", "${1}", "$${HOME}", "a file:x"])
def test_what_would_not_be_replaced_stands_for_itself(text: str) -> None:
    """A password may have a dollar in it."""
    found = read_spec(changed((*STORE, "userAgent"), text), tenant=True)
    assert found.stores[0].parameters["userAgent"] == text


def test_unknown_keys_are_refused_with_a_suggestion() -> None:
    """A policy that is misspelled is no policy."""
    with pytest.raises(ConfigurationError, match="policyEnforcr") as caught:
        read_spec(spec("a.example") | {"policyEnforcr": {}}, tenant=False)
    assert "policyEnforcer" in caught.value.remedy


@pytest.fixture
def services() -> ClusterResources:
    """Services for plugins of a namespace."""
    return plugin_resources_for("team", FakeClock(), Shared())


@pytest.mark.parametrize("name", ["files", "azurekeyvault", "awskms", "nothing-of-the-kind"])
async def test_a_plugin_gets_no_keys_of_the_provider_for_a_tenant(
    services: ClusterResources, tmp_path: Path, name: str
) -> None:
    """Whatever parameters it took them from: those that were not checked before are refused where they are built."""
    (tmp_path / "cosign.pub").write_text(KEY)
    given = {name: [str(tmp_path / "cosign.pub")]}
    for build in (services.keys, services.certificates):
        with pytest.raises(ConfigurationError, match="reads what belongs to the provider") as caught:
            await build(given, "some.place")
        assert caught.value.path == f"some.place.{name}"


async def test_one_of_several_sources_is_enough_to_refuse_all(services: ClusterResources) -> None:
    """The others do not hide it."""
    given = {"inline": {"certs": KEY}, "files": ["ca.pem"]}
    with pytest.raises(ConfigurationError, match="reads what belongs to the provider") as caught:
        await services.certificates(given, "some.place")
    assert caught.value.path == "some.place.files"


async def test_a_plugin_gets_keys_that_stand_in_the_resource(services: ClusterResources) -> None:
    """For a tenant as for the cluster; and for the cluster also those in files."""
    provider = await services.keys({"inline": {"keys": KEY}}, "keys")
    assert [each.data for each in await provider.keys()] == [KEY.encode()]


@pytest.mark.parametrize("name", ["docker", "azure", "", None])
async def test_a_plugin_gets_no_credentials_of_the_provider_for_a_tenant(
    services: ClusterResources, name: str | None
) -> None:
    """As with keys."""
    with pytest.raises(ConfigurationError, match="reads what belongs to the provider") as caught:
        await services.credentials({"provider": name}, "credential")
    assert caught.value.path == "credential.provider"


async def test_the_clusters_plugins_get_keys_from_files(tmp_path: Path) -> None:
    """The guards are a tenant's alone."""
    file = tmp_path / "cosign.pub"
    file.write_text(KEY)
    provider = await plugin_resources_for("", FakeClock(), Shared()).keys({"files": [str(file)]}, "keys")
    assert [each.data for each in await provider.keys()] == [KEY.encode()]


def test_a_tenants_plugins_reach_public_addresses_only(services: ClusterResources) -> None:
    """Also where no bound was given; what is listed for tenants is kept, and the cluster has no bound."""
    assert services.shared.destinations == PUBLIC_ONLY
    listed = Destinations.parse(["10.0.0.0/8"])
    assert (
        plugin_resources_for("team", FakeClock(), Shared(destinations=listed)).shared.destinations == listed
    )
    assert plugin_resources_for("", FakeClock(), Shared()).shared.destinations is None
