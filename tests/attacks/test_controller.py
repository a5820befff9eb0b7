"""Attacks through the resources of a cluster: tenants that remove, break or overreach."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.addresses import Destinations
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.executors.controller import ClusterConfig, ControllerOptions, NamespaceFallback
from pyratify.kubernetes.executors.reconciler import OnInvalid
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.registry import RegistrySimulator
from support.clusters import SlowClock, ask, deciders, invalid, put, remove, spec, status

Open = Callable[..., ClusterConfig]
MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server."""
    with ApiServer() as found:
        yield found


@pytest.fixture
async def open_config(server: ApiServer, tmp_path: Path) -> AsyncIterator[Open]:
    """Make configurations of the cluster, closed at the end."""
    made: list[ClusterConfig] = []
    environment = {"KUBECONFIG": str(server.kubeconfig(tmp_path))}

    def call(**rules: Any) -> ClusterConfig:
        made.append(ClusterConfig(Api.connect(environment), SlowClock(), ControllerOptions(**rules)))
        return made[-1]

    yield call
    for config in made:
        await config.aclose()


async def denied(config: ClusterConfig, reference: str, namespace: str) -> None:
    """Require that a reference is denied because no executor may decide about it, by tag and by digest."""
    for text in (f"{reference}:v1", f"{reference}@sha256:{'0' * 64}"):
        result = await ask(config, text, namespace)
        assert not result.succeeded
        assert result.failure is not None
        assert result.failure.reason is Reason.SCOPE_NO_MATCH


async def test_atk_224_a_tenant_that_deletes_its_policy_has_none(
    server: ApiServer, open_config: Open
) -> None:
    """Where the cluster's executors are not to be the fallback; as in Ratify v2 they are, unless one says so."""
    put(server, "wide", spec("*", name="cluster"))
    put(server, "mine", spec("a.example"), "team")
    strict, usual = open_config(fallback=NamespaceFallback.DENY), open_config()
    for config in (strict, usual):
        await config.refresh()
        assert deciders(config, "team") == {"a.example": "cosign"}
    remove(server, "mine", "team")
    for config in (strict, usual):
        await config.refresh()
    await denied(strict, "a.example/app", "team")
    assert deciders(strict) == deciders(usual, "team") == {"*": "cluster"}


@pytest.mark.parametrize("order", [("mine", "wide"), ("wide", "mine")])
async def test_atk_224_an_invalid_policy_is_not_the_clusters(
    server: ApiServer, open_config: Open, order: tuple[str, str]
) -> None:
    """A namespace whose only executor is broken is denied, whatever came first, and its scopes and all others are."""
    config = open_config()
    for name in order:
        if name == "mine":
            put(server, name, invalid("a.example"), "team")
        else:
            put(server, name, spec("*", name="cluster"))
        await config.refresh()
    await denied(config, "a.example/app", "team")
    await denied(config, "b.example/app", "team")
    assert status(server, "mine", "team")["succeeded"] is False
    assert deciders(config, "other") == {"*": "cluster"}


@pytest.mark.parametrize("on_invalid", list(OnInvalid), ids=str)
async def test_atk_224_a_policy_that_is_broken_later_never_becomes_laxer(
    server: ApiServer, open_config: Open, on_invalid: OnInvalid
) -> None:
    """The last valid one stays, or its scopes are denied; others of the namespace go on, and the status says so."""
    config = open_config(on_invalid=on_invalid)
    put(server, "wide", spec("*", name="cluster"))
    put(server, "mine", spec("a.example", name="strict"), "team")
    put(server, "rest", spec("*", name="lax"), "team")
    await config.refresh()
    put(server, "mine", invalid("b.example"), "team")
    await config.refresh()
    kept = "strict" if on_invalid is OnInvalid.KEEP else "none"
    assert deciders(config, "team") == {"a.example": kept, "b.example": "none", "*": "lax"}
    await denied(config, "b.example/app", "team")
    assert status(server, "mine", "team")["succeeded"] is False


@pytest.mark.parametrize("first", ["old", "new"])
async def test_atk_224_two_policies_for_one_scope_have_one_winner(
    server: ApiServer, open_config: Open, first: str
) -> None:
    """The older one, in whatever order they are heard of; the younger one cannot take over what it does not own."""
    config = open_config()
    created = {"old": "2026-01-01T00:00:00Z", "new": "2026-01-02T00:00:00Z"}
    for name in sorted(created, key=lambda each: each != first):
        put(server, name, spec("a.example", name=name), "team", created[name])
        await config.refresh()
    assert deciders(config, "team") == {"a.example": "old"}
    assert status(server, "old", "team")["succeeded"] is True
    assert "belongs to NamespacedExecutor old" in status(server, "new", "team")["error"]


STORE = ("stores", 0, "parameters", "credential")
KEYS = ("verifiers", 0, "parameters", "trustPolicies", 0, "keys")


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (STORE, {"provider": "docker"}, "spec.stores[0].parameters.credential.provider"),
        (
            KEYS,
            {"files": ["/var/run/secrets/kubernetes.io/serviceaccount"]},
            "spec.verifiers[0].parameters.trustPolicies[0].keys.files",
        ),
        (
            ("verifiers", 0, "parameters", "trustPolicies", 0, "trustedRoot"),
            "file:/etc/passwd",
            "spec.verifiers[0].parameters.trustPolicies[0].trustedRoot",
        ),
        (("stores", 0, "parameters", "userAgent"), "${RATIFY_SECRET}", "spec.stores[0].parameters.userAgent"),
    ],
    ids=["credentials", "files", "file", "variable"],
)
async def test_atk_225_what_is_the_providers_is_not_a_tenants(
    server: ApiServer,
    open_config: Open,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[Any, ...],
    value: Any,
    path: str,
) -> None:
    """Its files, its environment and its credentials are refused with their path, and their content is not shown."""
    monkeypatch.setenv("RATIFY_SECRET", "hunter2")
    given: Any = spec("a.example")
    part = given
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    put(server, "mine", given, "team")
    config = open_config()
    await config.refresh()
    await denied(config, "a.example/app", "team")
    found = status(server, "mine", "team")
    assert found["error"].startswith(f"{path}: ")
    assert found["conditions"][0]["reason"] == "CONFIG_INVALID"
    assert "hunter2" not in str(found) + str(server.list("events.k8s.io/v1", "events"))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (STORE, {"provider": "kubernetes", "secret": "login", "namespace": "kube-system"}),
        (KEYS, {"kubernetes": {"secret": "keys", "namespace": "kube-system"}}),
    ],
    ids=["credentials", "keys"],
)
async def test_atk_225_a_tenant_names_no_secret_of_another_namespace(
    server: ApiServer, open_config: Open, place: tuple[Any, ...], value: Any
) -> None:
    """It is refused with its path before the API server is asked, whether there is such a Secret or not."""
    metadata = {"namespace": "kube-system"}
    server.put(
        "v1", "secrets", {"metadata": {"name": "keys", **metadata}, "data": {"hunter2": "aHVudGVyMg=="}}
    )
    given: Any = spec("a.example")
    part = given
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    put(server, "mine", given, "team")
    config = open_config()
    await config.refresh()
    await denied(config, "a.example/app", "team")
    error = status(server, "mine", "team")["error"]
    assert "namespace: a NamespacedExecutor may name Secrets of its own namespace only" in error
    assert not [hit for hit in server.hits if "/secrets/" in hit.path]
    assert "hunter2" not in error


async def test_atk_250_a_verdict_of_one_namespace_is_not_anothers(
    server: ApiServer, open_config: Open
) -> None:
    """The same digest, allowed by the cluster's key, is evaluated anew for a tenant that trusts another one."""
    other = (MATERIAL / "keys" / "other.pub").read_text()
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        put(server, "wide", spec(registry.host))
        tenant: Any = spec(registry.host)
        tenant["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"]["inline"]["keys"] = other
        put(server, "mine", tenant, "team")
        here = Destinations.parse(["127.0.0.1"])
        config, verdicts = open_config(tenant_destinations=here), Verdicts(SlowClock())
        await config.refresh()
        asked = Reference.parse(f"{registry.host}/app:cosign-v3")
        outcomes = []
        for namespace in ("", "team", "", "team"):
            snapshot = config.acquire(namespace)
            assert snapshot is not None
            outcomes.append((await verdicts.validate(snapshot.engine, asked, namespace)).succeeded)
        assert outcomes == [True, False, True, False]
