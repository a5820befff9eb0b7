"""The provider as a process that is configured by the resources of a cluster."""

import asyncio
import json
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.client.in_cluster import has_cluster
from pyratify.kubernetes.executors.controller import ClusterConfig
from pyratify.serving import choose_source
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator
from support.clusters import invalid, put, remove, spec, status
from support.providers import VERIFY, request

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"


@asynccontextmanager
async def provider(folder: Path, kubeconfig: dict[str, str], *arguments: str) -> AsyncIterator[str]:
    """Run the provider with Ratify v2's program; what is yielded is where it verifies."""
    program = "import sys; from pyratify.entrypoints.gatekeeper.command import main; sys.exit(main())"
    fixed = ("--address=127.0.0.1:0", "--health-address=127.0.0.1:0", "--drain=1ms")
    environment = {**os.environ, **kubeconfig, "HOME": str(folder)}
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *fixed, *arguments,
        stderr=asyncio.subprocess.PIPE, env=environment, cwd=folder,
    )  # fmt: skip
    assert process.stderr is not None
    address = ""
    try:
        async with asyncio.timeout(30):
            while not address:
                line = json.loads(await process.stderr.readline())
                address = line.get("address", "") if line["message"] == "serving" else ""
        rest = asyncio.create_task(process.stderr.read())
        yield f"http://{address}{VERIFY}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    await rest


async def asked(url: str, *keys: str) -> list[Any]:
    """Return `True`, `False` or the error's code for every key."""
    async with aiohttp.ClientSession() as client, client.post(url, data=request(*keys)) as answer:
        items = (await answer.json())["response"]["items"]
    return [
        item["error"].partition(":")[0] if item.get("error") else item["value"]["succeeded"] for item in items
    ]


async def test_ratify_v2s_program_is_configured_by_resources(
    server: ApiServer, kubeconfig: dict[str, str], tmp_path: Path
) -> None:
    """Really signed images are judged as the resources of the moment say, for the cluster and for a namespace."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        signed, unsigned = f"{registry.host}/app:cosign-v3", f"{registry.host}/app:unsigned"
        keys = (signed, unsigned, f"[team]{signed}", f"[other]{signed}")
        put(server, "e", spec(registry.host))
        strict: Any = spec(registry.host)
        other = (MATERIAL / "keys" / "other.pub").read_text()
        strict["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"]["inline"]["keys"] = other
        here = ("--tenant-allowed-host", "127.0.0.1")
        async with provider(tmp_path, kubeconfig, "--config", "none.json", *here) as url:
            assert await asked(url, *keys) == [True, False, True, True]
            assert status(server, "e")["succeeded"] is True
            put(server, "t", strict, "team")
            await until_asked(url, keys, [True, False, False, True])
            put(server, "e", invalid(registry.host, "b.example"))
            put(server, "t", invalid(registry.host), "team")
            await until_asked(url, ("b.example/x:v1",), ["SCOPE_NO_MATCH"])
            assert await asked(url, *keys) == [True, False, False, True]
            remove(server, "t", "team")
            await until_asked(url, keys, [True, False, True, True])
            remove(server, "e")
            await until_asked(url, (signed,), ["NO_EXECUTOR"])


async def until_asked(url: str, keys: tuple[str, ...], wanted: list[Any]) -> None:
    """Ask until the answers are these."""
    found: list[Any] = []
    for _ in range(200):
        found = await asked(url, *keys)
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    assert found == wanted


def flags(*arguments: str, resources_first: bool = False) -> Namespace:
    """Return a provider's flags."""
    parser = ArgumentParser()
    add_flags(parser)
    parser.set_defaults(resources_first=resources_first)
    return parser.parse_args(["--address", "127.0.0.1:0", *arguments])


@pytest.mark.parametrize(
    ("given", "cluster"),
    [
        (flags(), True),
        (flags("--disable-crd-manager"), False),
        (flags("-c", "x.json"), False),
        (flags("-c", "x.json", resources_first=True), True),
        (flags("-c", "x.json", "--disable-crd-manager", resources_first=True), False),
    ],
)
async def test_a_file_or_resources(
    given: Namespace,
    cluster: bool,
    kubeconfig: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Resources where there is a cluster; a file where it is named, or there is none, or the flag says so."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    found = choose_source.choose_source(given, FakeClock())
    assert isinstance(found, ClusterConfig) is cluster
    await found.aclose()
    monkeypatch.delenv("KUBECONFIG")
    assert isinstance(choose_source.choose_source(given, FakeClock()), WatchedConfig)


async def test_the_rules_come_from_flags(kubeconfig: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of an invalid resource, and of a namespace without one."""
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    found = choose_source.choose_source(
        flags("--on-invalid-executor=remove", "--namespace-fallback=deny"), FakeClock()
    )
    assert isinstance(found, ClusterConfig)
    assert (str(found.options.on_invalid), str(found.options.fallback)) == ("remove", "deny")
    await found.aclose()


def test_without_lightkube_the_message_says_what_to_install(
    kubeconfig: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that cannot be followed is not taken for none."""
    monkeypatch.setenv("KUBECONFIG", kubeconfig["KUBECONFIG"])
    for name in ("pyratify.kubernetes.client.api", "pyratify.kubernetes.executors.controller"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "lightkube.config.client_adapter", None)
    with pytest.raises(ConfigurationError) as caught:
        choose_source.choose_source(flags(), FakeClock())
    assert "pyratify[kubernetes]" in caught.value.remedy


def test_a_cluster_is_a_kubeconfig_or_a_service_account(tmp_path: Path) -> None:
    """Both the address and the token of the service account are needed."""
    token = tmp_path / "token"
    assert has_cluster({"KUBECONFIG": "x"}, token)
    assert not has_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, token)
    token.write_text("t")
    assert has_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, token)
    assert not has_cluster({}, token)


async def test_a_namespace_of_ones_own(kubeconfig: dict[str, str]) -> None:
    """`$RATIFY_NAMESPACE`, else the one of the kubeconfig or the service account."""
    for environment, wanted in ((kubeconfig, "ratify"), ({**kubeconfig, "RATIFY_NAMESPACE": "x"}, "x")):
        api = Api.connect(environment)
        assert api.namespace == wanted
        await api.aclose()
