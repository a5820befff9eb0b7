"""Keys in Secrets, by cosign's references."""

import sys
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.kubernetes.executors.controller import ClusterConfig
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from support.clusters import KEY, deciders, put, spec, status


def secret(server: ApiServer, **data: str) -> None:
    """Create the Secret that `cosign generate-key-pair k8s://team/cosign` creates."""
    import base64

    coded = {key.replace("__", "."): base64.b64encode(text.encode()).decode() for key, text in data.items()}
    metadata = {"name": "cosign", "namespace": "team"}
    server.put("v1", "secrets", {"metadata": metadata, "type": "Opaque", "data": coded})


async def read(reference: str) -> tuple[KeyMaterial, ...]:
    """Read a key as a command does, with the rights of the kubeconfig."""
    resources = BuildResources(FakeClock(), Path())
    return await (await resources.keys({"references": [reference]}, "keys")).keys()


async def test_a_command_reads_the_public_half(
    server: ApiServer, kubeconfig: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private half that lies beside it is not looked at."""
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    secret(server, cosign__key="-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", cosign__pub=KEY)
    (found,) = await read("k8s://team/cosign")
    assert found.data == KEY.encode()


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("k8s://team/nosuch", "cannot be read: 404"),
        ("k8s://team", "no reference to a Secret"),
        ("k8s://team/cosign/x", "no reference to a Secret"),
        ("k8s://../cosign", "no reference to a Secret"),
    ],
)
async def test_what_cannot_be_read_is_named(
    server: ApiServer,
    kubeconfig: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
    words: str,
) -> None:
    """With its place; no text becomes a path."""
    del server
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    with pytest.raises(ConfigurationError, match=words) as caught:
        await read(reference)
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


@pytest.mark.parametrize(
    "address",
    ["http://192.0.2.1:6443", "http://u:hunter2@127.0.0.1.evil.io", "ftp://127.0.0.1", "192.0.2.1:6443"],
)
async def test_atk_246_no_token_is_shown_to_a_server_without_tls(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a key trusted that anyone on the way could have replaced; kubectl shows no token there either."""
    file = tmp_path / "config"
    file.write_text(
        f"""
clusters: [{{name: a, cluster: {{server: "{address}"}}}}]
users: [{{name: a, user: {{token: hunter2}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
current-context: a
"""
    )
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(ConfigurationError, match="is not https") as caught:
        await read("k8s://team/cosign")
    assert "hunter2" not in str(caught.value)
    assert "https://HOST:PORT" in caught.value.remedy


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin itself is part of every installation."""
    monkeypatch.setitem(sys.modules, "pyratify.kubernetes.client.api", None)
    with pytest.raises(ConfigurationError, match="need lightkube") as caught:
        await read("k8s://team/cosign")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    assert "pyratify[kubernetes]" in caught.value.remedy


async def test_without_a_cluster_the_kubeconfig_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has none."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        await read("k8s://team/cosign")
    assert "KUBECONFIG" in caught.value.remedy


async def test_a_secret_without_a_key_is_an_error_when_it_is_read(
    server: ApiServer, kubeconfig: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the first image, where no path of a parameter would be known."""
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    secret(server, cosign__key="other")
    resources = BuildResources(FakeClock(), Path())
    with pytest.raises(ConfigurationError, match=r"has no entry 'cosign\.pub'") as caught:
        await resources.keys({"references": ["k8s://team/cosign"]}, "keys")
    assert (caught.value.reason, caught.value.path[:4]) == (Reason.KEY_UNAVAILABLE, "keys")


def keyed(reference: str) -> dict[str, Any]:
    """Return a specification whose key is such a reference."""
    found: Any = spec("a.example")
    found["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"] = {"references": [reference]}
    return dict(found)


async def test_an_executor_reads_it_and_a_tenant_may_not(server: ApiServer, config: ClusterConfig) -> None:
    """A tenant names Secrets of its namespace by the provider `kubernetes`, which knows the bounds."""
    secret(server, cosign__pub=KEY)
    put(server, "e", keyed("k8s://team/cosign"))
    put(server, "t", keyed("k8s://team/cosign"), "other")
    await config.refresh()
    assert deciders(config) == {"a.example": "cosign"}
    assert deciders(config, "other") == {"a.example": "none"}
    assert "references" in status(server, "t", "other")["error"]
