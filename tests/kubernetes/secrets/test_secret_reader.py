"""Keys, certificates and credentials in Secrets."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.load import decode_config
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.executors.controller import ClusterConfig
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.registry import BasicAuth, RegistrySimulator
from support.clusters import KEY, ask, deciders, put, spec, status, until

Follow = Callable[[ClusterConfig], AbstractAsyncContextManager[None]]
MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
OTHER = (MATERIAL / "keys" / "other.pub").read_text()
PULL, BASIC = "kubernetes.io/dockerconfigjson", "kubernetes.io/basic-auth"


def secret(server: ApiServer, name: str, namespace: str, kind: str = "Opaque", **data: str) -> None:
    """Create or replace a Secret."""
    coded = {key.replace("__", "."): base64.b64encode(text.encode()).decode() for key, text in data.items()}
    server.put(
        "v1", "secrets", {"metadata": {"name": name, "namespace": namespace}, "type": kind, "data": coded}
    )


def keyed(parameters: Any, *scopes: str) -> dict[str, Any]:
    """Return a specification whose key is in a Secret."""
    found: Any = spec(*(scopes or ("a.example",)))
    found["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"] = {"kubernetes": parameters}
    return dict(found)


def credentialed(parameters: Any, *scopes: str) -> dict[str, Any]:
    """Return a specification whose credential is in a Secret."""
    found: Any = spec(*(scopes or ("a.example",)))
    found["stores"][0]["parameters"]["credential"] = {"provider": "kubernetes", **parameters}
    return dict(found)


async def test_keys_are_read_from_where_an_executor_belongs(server: ApiServer, config: ClusterConfig) -> None:
    """A namespace's from its own, the cluster's from the provider's or where they are named."""
    for namespace in ("team", "ratify", "elsewhere"):
        secret(server, "keys", namespace, a=KEY, b=OTHER)
    put(server, "t", keyed({"secret": "keys"}), "team")
    put(server, "mine", keyed({"secret": "keys", "key": "a"}))
    put(server, "named", keyed({"secret": "keys", "namespace": "elsewhere"}, "b.example"))
    await config.refresh()
    assert deciders(config) == {"a.example": "cosign", "b.example": "cosign"}
    assert deciders(config, "team") == {"a.example": "cosign"}
    read = {hit.path for hit in server.hits if "/secrets/" in hit.path}
    assert read == {
        f"/api/v1/namespaces/{namespace}/secrets/keys" for namespace in ("team", "ratify", "elsewhere")
    }


@pytest.mark.parametrize(
    ("parameters", "path", "says"),
    [
        ({"secret": "none"}, "secret", "cannot be read: 404"),
        ({"secret": "keys", "key": "none"}, "key", "no entry 'none'"),
        ({"secret": "empty"}, "secret", "is empty"),
        ({"secret": "private"}, "", "private key"),
        ({"secret": "../../../../v1/nodes"}, "secret", "not a valid name of a Secret"),
        ({"secret": "keys", "namespace": "a/b"}, "namespace", "not a valid name of a namespace"),
        ({"secret": "malformed"}, "secret", "malformed"),
        ({"secret": "keys", "unknown": 1}, "", "unknown key"),
    ],
    ids=str,
)
async def test_what_is_not_in_a_secret_is_a_fault(
    server: ApiServer, config: ClusterConfig, parameters: Any, path: str, says: str
) -> None:
    """With its path, in the status; nothing of what is in it is told."""
    secret(server, "keys", "ratify", a=KEY)
    secret(server, "empty", "ratify")
    secret(
        server,
        "private",
        "ratify",
        key=(MATERIAL / "keys" / "cosign.key").read_text().replace("ENCRYPTED SIGSTORE ", ""),
    )
    server.put(
        "v1", "secrets", {"metadata": {"name": "malformed", "namespace": "ratify"}, "data": {"a": "!"}}
    )
    put(server, "e", keyed(parameters))
    await config.refresh()
    assert deciders(config) == {"a.example": "none"}
    error = status(server, "e")["error"]
    place = "spec.verifiers[0].parameters.trustPolicies[0].keys.kubernetes"
    assert error.startswith(f"{place}.{path}: " if path else f"{place}: ")
    assert says in error


async def test_a_namespace_has_only_so_many_secrets_read(server: ApiServer, config: ClusterConfig) -> None:
    """They are looked at again and again, and others wait meanwhile; the same one counts once, and the cluster has any number."""
    names = tuple(f"s{number}" for number in range(17))
    for namespace, wanted in {"": names, "team": names, "modest": (*names[:16], "s0")}.items():
        for name in names:
            secret(server, name, namespace or "ratify", key=KEY)
        found = keyed({}, "a.example")
        (policy,) = found["verifiers"][0]["parameters"]["trustPolicies"]
        found["verifiers"][0]["parameters"]["trustPolicies"] = [
            {**policy, "scopes": [f"a.example/{number}"], "keys": {"kubernetes": {"secret": name}}}
            for number, name in enumerate(wanted)
        ]
        put(server, "many", found, namespace)
    await config.refresh()
    assert deciders(config) == deciders(config, "modest") == {"a.example": "cosign"}
    assert deciders(config, "team") == {"a.example": "none"}
    assert "at most 16 Secrets" in status(server, "many", "team")["error"]


async def test_a_secret_that_changes_is_read_again(
    server: ApiServer, config: ClusterConfig, followed: Follow
) -> None:
    """Another key decides soon after, and the resource itself need not be touched."""
    secret(server, "keys", "team", key=OTHER)
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        image = f"{registry.host}/app:cosign-v3"
        put(server, "t", keyed({"secret": "keys"}, registry.host), "team")
        await config.refresh()
        assert not (await ask(config, image, "team")).succeeded
        before = config.acquire("team")
        async with followed(config):
            secret(server, "keys", "team", key=KEY)
            await until(lambda: config.acquire("team") is not before)
            assert (await ask(config, image, "team")).succeeded
            server.remove("v1", "secrets", "keys", "team")
            await until(lambda: status(server, "t", "team")["succeeded"] is False)
            assert (await ask(config, image, "team")).succeeded
            secret(server, "keys", "team", key=OTHER)
            await until(lambda: status(server, "t", "team")["succeeded"] is True)
            assert not (await ask(config, image, "team")).succeeded


@pytest.mark.parametrize(("kind", "path"), [(PULL, ""), (PULL, "/app"), (BASIC, "")])
async def test_registries_are_shown_what_is_in_a_secret(
    server: ApiServer, config: ClusterConfig, kind: str, path: str
) -> None:
    """An image pull Secret, or a user name and password, for exactly the registry, or the part of it, that it is for."""
    with RegistrySimulator(auth=BasicAuth("user", "hunter2")) as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        auth = base64.b64encode(b"user:hunter2").decode()
        wrong = base64.b64encode(b"user:another").decode()
        auths = {registry.host: {"auth": wrong if path else auth}, f"{registry.host}{path}": {"auth": auth}}
        document = json.dumps({"auths": auths})
        data = (
            {"__dockerconfigjson": document} if kind == PULL else {"username": "user", "password": "hunter2"}
        )
        secret(server, "login", "team", kind, **data)
        put(server, "t", credentialed({"secret": "login"}, registry.host), "team")
        await config.refresh()
        assert (await ask(config, f"{registry.host}/app:cosign-v3", "team")).succeeded
        assert "hunter2" not in str(status(server, "t", "team"))


@pytest.mark.parametrize(
    ("kind", "data", "scope", "says"),
    [
        ("Opaque", {"a": "b"}, "a.example", "is of the type 'Opaque'"),
        (PULL, {}, "a.example", "has no credential"),
        (PULL, {"__dockerconfigjson": "{"}, "a.example", "not JSON"),
        (
            PULL,
            {"__dockerconfigjson": '{"credsStore":"pass","auths":{}}'},
            "a.example",
            "programs of the provider",
        ),
        (
            PULL,
            {"__dockerconfigjson": '{"credHelpers":{"a.example":"sh"}}'},
            "a.example",
            "programs of the provider",
        ),
        (BASIC, {"username": "u"}, "a.example", "has no password"),
        (BASIC, {"username": "u", "password": "hunter2"}, "*", "every registry"),
    ],
    ids=str,
)
async def test_what_is_no_credential_is_a_fault(
    server: ApiServer, config: ClusterConfig, kind: str, data: dict[str, str], scope: str, says: str
) -> None:
    """Other types, programs, and what every registry would see."""
    secret(server, "login", "ratify", kind, **data)
    put(server, "e", credentialed({"secret": "login"}, scope))
    await config.refresh()
    assert deciders(config) == {scope: "none"}
    assert says in status(server, "e")["error"]
    assert "hunter2" not in str(status(server, "e"))


def account(server: ApiServer, namespace: str, *secrets: str) -> None:
    """Create or replace the service account `app` with its image pull Secrets."""
    names = [{"name": name} for name in secrets]
    metadata = {"name": "app", "namespace": namespace}
    server.put("v1", "serviceaccounts", {"metadata": metadata, "imagePullSecrets": names})


@pytest.mark.parametrize("old", [False, True])
async def test_the_pull_secrets_of_a_service_account_are_used(
    server: ApiServer, config: ClusterConfig, followed: Follow, old: bool
) -> None:
    """As kubelet uses them: in order, those that are missing are left out; one that appears later is used then."""
    with RegistrySimulator(auth=BasicAuth("user", "hunter2")) as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        auths = {registry.host: {"auth": base64.b64encode(b"user:hunter2").decode()}}
        other = json.dumps({"auths": {"other.example": {"auth": base64.b64encode(b"a:b").decode()}}})
        account(server, "team", "nosuch", "other", "login")
        secret(server, "other", "team", PULL, __dockerconfigjson=other)
        put(server, "t", credentialed({"serviceAccount": "app"}, registry.host), "team")
        image = f"{registry.host}/app:cosign-v3"
        await config.refresh()
        assert not (await ask(config, image, "team")).succeeded
        before = config.acquire("team")
        if old:
            secret(server, "login", "team", "kubernetes.io/dockercfg", __dockercfg=json.dumps(auths))
        else:
            secret(server, "login", "team", PULL, __dockerconfigjson=json.dumps({"auths": auths}))
        # After the Secret: whatever is built from here on reads it.
        async with followed(config):
            await until(lambda: config.acquire("team") is not before)
            assert (await ask(config, image, "team")).succeeded


async def test_the_closest_entry_of_all_pull_secrets_counts(server: ApiServer, config: ClusterConfig) -> None:
    """As kubelet orders them: a part of a registry before the registry, whichever Secret comes first."""
    with RegistrySimulator(auth=BasicAuth("user", "hunter2")) as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        for name, key, user in (("wide", registry.host, "other"), ("near", f"{registry.host}/app", "user")):
            auths = {key: {"auth": base64.b64encode(f"{user}:hunter2".encode()).decode()}}
            secret(server, name, "team", PULL, __dockerconfigjson=json.dumps({"auths": auths}))
        account(server, "team", "wide", "near")
        put(server, "t", credentialed({"serviceAccount": "app"}, registry.host), "team")
        await config.refresh()
        assert (await ask(config, f"{registry.host}/app:cosign-v3", "team")).succeeded


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "exactly one of secret and serviceAccount"),
        ({"secret": "a", "serviceAccount": "app"}, "exactly one of secret and serviceAccount"),
        ({"serviceAccount": "nosuch"}, "ServiceAccount team/nosuch cannot be read: 404"),
        ({"serviceAccount": "../../x"}, "not a valid name"),
        ({"serviceAccount": "app", "namespace": "ratify"}, "its own namespace only"),
        ({"serviceAccount": "evil"}, "not a valid name"),
    ],
    ids=str,
)
async def test_a_service_account_that_cannot_be_used_is_a_fault(
    server: ApiServer, config: ClusterConfig, parameters: dict[str, str], says: str
) -> None:
    """A tenant names none of another namespace, and no account can make a path of a name."""
    account(server, "team")
    metadata = {"name": "evil", "namespace": "team"}
    names = [{"name": "../../ratify/secrets/login"}, {"name": 7}, "x"]
    server.put("v1", "serviceaccounts", {"metadata": metadata, "imagePullSecrets": names})
    put(server, "t", credentialed(parameters), "team")
    await config.refresh()
    assert says in status(server, "t", "team")["error"]


async def test_secrets_are_for_resources(tmp_path: Path) -> None:
    """A file says so, and what to do."""
    from pyratify.config.build import open_engine

    loaded = decode_config({"executors": [keyed({"secret": "keys"})]}, tmp_path, {})
    with pytest.raises(ConfigurationError) as caught:
        async with open_engine(loaded):
            pass
    assert "this configuration is a file" in caught.value.message
    assert "ratify config convert" in caught.value.remedy
