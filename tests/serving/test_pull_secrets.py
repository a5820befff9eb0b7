"""The flag by which servers read images with the pull Secrets of namespaces."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper import provider_flags, serve_gatekeeper
from pyratify.entrypoints.gatekeeper.provider import Provider
from pyratify.entrypoints.webhook import serve_webhook, webhook_flags
from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.kubernetes.client.cluster import Cluster
from pyratify.kubernetes.secrets.pod_secrets import PodSecrets
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.pull_secrets import pull_secrets
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from support.providers import Here

Make = Callable[[ServerContext], Server]
SERVERS = {
    "gatekeeper": (provider_flags.add_flags, serve_gatekeeper.make),
    "webhook": (webhook_flags.add_flags, serve_webhook.make),
}


def made(name: str, *arguments: str) -> Server:
    """Return a server of these arguments."""
    add, make = SERVERS[name]
    parser, clock = ArgumentParser(), FakeClock()
    add(parser)
    flags = parser.parse_args(["--address", ":0", *arguments])
    return make(ServerContext(flags, Here(None), Verdicts(clock), clock))


@pytest.mark.parametrize("name", SERVERS)
async def test_without_a_cluster_there_are_no_secrets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start fails and says so; without the flag nothing is asked for."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    more = ["--namespaces", "required"] if name == "gatekeeper" else []
    with pytest.raises(ConfigurationError, match="--pull-secrets reads Secrets of a cluster"):
        made(name, "--pull-secrets", *more)
    await made(name).aclose()


@pytest.mark.parametrize("name", SERVERS)
async def test_with_a_cluster_the_server_starts(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It asks the API server for nothing before there is a question."""
    with ApiServer() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        await made(name, "--pull-secrets", *["--namespaces", "required"] * (name == "gatekeeper")).aclose()
        assert server.hits == []


@pytest.mark.parametrize("name", SERVERS)
async def test_the_client_of_the_cluster_is_closed_whatever_fails(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last, as what is ended before may be using it."""
    order: list[str] = []

    async def fail(_: object) -> None:
        order.append("requests")
        raise RuntimeError("not ended")

    async def close(_: object) -> None:
        order.append("client")

    monkeypatch.setattr(Provider if name == "gatekeeper" else Webhook, "aclose", fail)
    monkeypatch.setattr(Cluster, "aclose", close)
    with pytest.raises(RuntimeError, match="not ended"):
        await made(name).aclose()
    assert order == ["requests", "client"]


@pytest.mark.parametrize("name", SERVERS)
async def test_an_idle_server_forgets_the_secrets_that_it_read(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With what else it sweeps each second."""
    swept: list[str] = []
    monkeypatch.setattr(PodSecrets, "sweep", lambda _: swept.append(name))
    with ApiServer() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        one = made(name, "--pull-secrets", *["--namespaces", "required"] * (name == "gatekeeper"))
        for sweep in one.sweeps:
            sweep()
        await one.aclose()
    assert swept == [name]


async def test_secrets_are_read_from_the_cluster_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the client that connects when it is needed, and is closed at the end."""
    with ApiServer() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        server.put("v1", "secrets", {"metadata": {"name": "login", "namespace": "team"}, "data": {}})
        cluster = Cluster()
        found = pull_secrets(Namespace(pull_secrets=True), cluster, FakeClock())
        assert found is not None
        assert (await found.get("secrets", "login", "team"))["metadata"]["name"] == "login"
        await cluster.aclose()
        assert pull_secrets(Namespace(pull_secrets=False), cluster, FakeClock()) is None
