"""Attacks of one tenant on another, or on what only the provider can reach."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.addresses import Destinations
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.request_keys import Namespaces
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.executors.controller import ClusterConfig, ControllerOptions
from pyratify.serving.configuration_source import Snapshot
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import BearerAuth, RegistrySimulator, redirect
from support.clusters import SlowClock, ask, put, spec, status
from support.providers import MUTATE, VERIFY, BellClock, Here, items, provider, signed

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
V1_MUTATE = "/ratify/gatekeeper/v1/mutate"


@dataclass
class Recording(Here):
    """A source that notes whose configuration was asked for."""

    asked: list[str] = field(default_factory=list)

    def acquire(self, namespace: str) -> Snapshot | None:
        """Note the namespace."""
        self.asked.append(namespace)
        return self.current


def recording(store: MemoryStore, namespaces: str = "optional") -> tuple[Provider, list[str]]:
    """Return a provider, and the list of the namespaces whose configurations it asks for."""
    source, clock = Recording(provider(store).source.acquire("")), BellClock()
    settings = Settings(namespaces=Namespaces(namespaces))
    return Provider(source, Verdicts(clock), settings, clock), source.asked


async def test_a_prefix_names_the_tenant_of_a_verification() -> None:
    """Where the constraint template writes it, which takes it from the object's namespace."""
    one, asked = recording(signed())
    (item,) = await items(one, "[team]example.com/app:v1", path=VERIFY)
    assert item["value"]["succeeded"] is True
    assert set(asked) == {"team"}


@pytest.mark.parametrize("path", [MUTATE, V1_MUTATE])
@pytest.mark.parametrize("namespaces", ["optional", "required", "disabled"])
@pytest.mark.parametrize("prefix", ["[victim]", "[]", "[kube-system]", "[victim][team]"])
async def test_atk_293_brackets_in_a_mutation_key_name_no_tenant(
    prefix: str, namespaces: str, path: str
) -> None:
    """A Pod's image is its author's text: it is refused and kept as it came, and no tenant's credentials are used."""
    store = signed()
    one, asked = recording(store, namespaces)
    key = f"{prefix}example.com/app:v1"
    (item,) = await items(one, key, path=path)
    assert item["value"] == key
    assert item["error"].startswith(f"{Reason.REF_INVALID}: ")
    assert set(asked) <= {""}
    assert store.calls == []


@pytest.mark.parametrize("namespaces", ["optional", "required", "disabled"])
async def test_atk_293_mutation_pins_images_in_every_mode(namespaces: str) -> None:
    """Gatekeeper sends what the Pod says, without a prefix, whatever the constraint templates do."""
    store = signed()
    one = provider(store, namespaces=namespaces)
    (item,) = await items(one, "example.com/app:v1", path=MUTATE)
    assert item == {"key": "example.com/app:v1", "value": f"example.com/app@{store.tags['v1']}"}


@pytest.mark.parametrize("path", [MUTATE, V1_MUTATE])
async def test_atk_293_a_registry_at_an_address_is_kept_as_it_came(path: str) -> None:
    """Its brackets are not cut off where the tag cannot be resolved."""
    key = "[::1]:5000/team/app:gone"
    (item,) = await items(provider(signed()), key, path=path)
    assert item["value"] == key
    assert item["error"].startswith(f"{Reason.NOT_FOUND}: ")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server."""
    with ApiServer() as found:
        yield found


@pytest.fixture
async def config(server: ApiServer, tmp_path: Path) -> AsyncIterator[ClusterConfig]:
    """A configuration of the cluster, with nothing listed for namespaces."""
    found = ClusterConfig(Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path))}), SlowClock())
    yield found
    await found.aclose()


def storing(*scopes: str, **parameters: Any) -> dict[str, Any]:
    """Return a specification whose store has these parameters."""
    found = spec(*scopes)
    found["stores"][0]["parameters"] = {"allowCosignTag": True, **parameters}
    return found


async def tenants_verdict(
    config: ClusterConfig, server: ApiServer, wanted: Any, reference: str
) -> ValidationResult:
    """Return what the executor of a tenant says; everything it said would also be right for the cluster's."""
    put(server, "mine", wanted, "team")
    await config.refresh()
    assert status(server, "mine", "team")["succeeded"] is True
    return await ask(config, reference, "team")


@pytest.mark.parametrize("plain", [{}, {"plainHttp": True}], ids=["usual", "plain-http"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_atk_294_a_tenants_scope_leads_to_no_place_inside(
    config: ClusterConfig, server: ApiServer, host: str, plain: dict[str, Any]
) -> None:
    """No request goes there, by name or address; the cluster's own executor may name it."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        at = f"{host}:{registry.port}"
        result = await tenants_verdict(config, server, storing(at, **plain), f"{at}/app:cosign-v3")
        assert registry.hits == ()
        assert result.error is not None
        assert result.error.reason is Reason.SSRF_BLOCKED
        assert "--tenant-allowed-host" in result.error.remedy
        put(server, "wide", storing(at, **plain))
        await config.refresh()
        assert (await ask(config, f"{at}/app:cosign-v3", "other")).succeeded


@pytest.mark.parametrize("name", ["mirrors", "signatureRepository", "redirect", "blobHosts", "realm"])
async def test_atk_294_nor_does_anything_else_that_it_names(
    config: ClusterConfig, server: ApiServer, name: str
) -> None:
    """A mirror, a repository of signatures, a redirect within the host, a token server: each is looked at when it is dialled."""
    with RegistrySimulator() as inside, RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        inside.load_layout(MATERIAL / "layout", "app")
        listed = Destinations.parse([f"127.0.0.1:{registry.port}"])
        opened = replace(config.options, tenant_destinations=listed)
        config.options = opened
        parameters: dict[str, Any] = {"plainHttp": True}
        if name == "mirrors":
            parameters["mirrors"] = [inside.host]
        elif name == "signatureRepository":
            parameters["signatureRepository"] = f"{inside.host}/app"
        elif name == "blobHosts":
            parameters["blobHosts"] = [inside.host]
            registry.fault(redirect("/blobs/", f"{inside.url}/v2/"))
        elif name == "redirect":
            registry.fault(redirect("/blobs/", f"http://127.0.0.1:{inside.port}/v2/"))
        else:
            registry.auth = BearerAuth(realm=f"{inside.url}/token")
        given = storing(registry.host, **parameters)
        await tenants_verdict(config, server, given, f"{registry.host}/app:cosign-v3")
        assert inside.hits == ()
        assert registry.hits != ()


async def test_atk_294_what_the_administrator_lists_is_open(config: ClusterConfig, server: ApiServer) -> None:
    """A registry of the cluster's own network, for all namespaces."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        config.options = ControllerOptions(tenant_destinations=Destinations.parse(["127.0.0.0/8"]))
        reference = f"{registry.host}/app:cosign-v3"
        assert (await tenants_verdict(config, server, storing(registry.host), reference)).succeeded


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (("timeout",), 86400, "spec.timeout"),
        (("stores", 0, "parameters", "timeout"), 1e9, "spec.stores[0].parameters.timeout"),
        (("stores", 0, "parameters", "connectTimeout"), 1e9, "spec.stores[0].parameters.connectTimeout"),
    ],
    ids=["executor", "store", "connection"],
)
async def test_atk_295_a_tenants_times_are_bounded(
    config: ClusterConfig, server: ApiServer, place: tuple[Any, ...], value: float, path: str
) -> None:
    """What would hold a connection for years is refused with its path, and its scope is denied."""
    given: Any = storing("a.example")
    part = given
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    put(server, "mine", given, "team")
    await config.refresh()
    error = status(server, "mine", "team")["error"]
    assert error.startswith(f"{path}: not in a NamespacedExecutor: a namespace may have at most 60 seconds")
    result = await ask(config, "a.example/app:v1", "team")
    assert result.failure is not None
    assert result.failure.reason is Reason.SCOPE_NO_MATCH
