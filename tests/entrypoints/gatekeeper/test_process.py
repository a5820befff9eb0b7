"""The provider as a process: flags, mTLS, readiness, and its end."""

import asyncio
import json
import os
import signal
import ssl
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.cli import main as ratify
from pyratify.entrypoints.gatekeeper.command import main
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags, go_style
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.serving.entry_point import ServerContext
from pyratify.serving.http.server import Address, Request
from pyratify.serving.process import Process
from pyratify.serving.server_flags import answer_within
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority
from support.ports import free_port
from support.providers import MUTATE, VERIFY, BellClock, Held, Here, request
from support.scenes import ONE

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"


@dataclass
class DrainClock(BellClock):
    """A clock that records when the drain is awaited."""

    drains: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Wait for the bell."""
        if seconds == 3.0:
            self.drains.set()
        await super().sleep(seconds)


@dataclass
class SecondClock(BellClock):
    """A clock whose first second passes at once."""

    passed: bool = False

    async def sleep(self, seconds: float) -> None:
        """Wait for the bell."""
        if seconds == 1.0 and not self.passed:
            self.passed = True
            return
        await super().sleep(seconds)


def flags(*arguments: object) -> Namespace:
    """Return flags for a provider on loopback."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0")
    return parser.parse_args([*fixed, *map(str, arguments)])


def identity(folder: Path) -> tuple[tuple[object, ...], ssl.SSLContext]:
    """Return flags that name new certificates, and the context of a client that they admit."""
    server, client = Authority("servers"), Authority("clients")
    (folder / "tls.pem").write_bytes(server.issue("provider", "127.0.0.1"))
    (folder / "ca.pem").write_text(client.pem)
    (folder / "client.pem").write_bytes(client.issue("gatekeeper"))
    context = ssl.create_default_context(cadata=server.pem)
    context.load_cert_chain(folder / "client.pem")
    pem = folder / "tls.pem"
    return (
        ("--cert-file", pem, "--key-file", pem, "--gatekeeper-ca-cert-file", folder / "ca.pem"),
        context,
    )


def config(folder: Path) -> Path:
    """Write a configuration for the material."""
    verifier = {
        "name": "cosign-1",
        "type": "cosign",
        "parameters": {
            "trustPolicies": [
                {"ignoreTLog": True, "keys": {"files": [str(MATERIAL / "keys" / "cosign.pub")]}}
            ]
        },
    }
    store = {"type": "registry-store", "parameters": {"allowCosignTag": True}}
    path = folder / "config.json"
    path.write_text(
        json.dumps({"executors": [{"scopes": ["*"], "verifiers": [verifier], "stores": [store]}]})
    )
    return path


async def test_a_signed_image_is_verified_over_mtls(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From the flags to the verdict, with really signed material in a registry; then it drains and ends."""
    caplog.set_level("INFO", "pyratify.serving")
    tls, context = identity(tmp_path)
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    clock, port = DrainClock(), free_port()
    process = Process(
        flags("--config", config(tmp_path), *tls, "--enable-metrics", "--metrics-port", port),
        make,
        clock,
        started=lambda *found: started.set_result(found),
    )
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        running = asyncio.create_task(process.run())
        await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
        where, health = started.result()
        keys = [f"{registry.host}/app:cosign-v3", f"{registry.host}/app:nobody"]
        async with aiohttp.ClientSession() as client:
            url = f"https://127.0.0.1:{where.port}{VERIFY}"
            async with client.post(url, data=request(*keys), ssl=context) as answer:
                document = await answer.json()
            ready = f"http://127.0.0.1:{health.port}/readyz"
            async with client.get(ready) as answer:
                assert answer.status == 200
            async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
                measured = (await answer.text()).splitlines()
            process.stop.set()
            await clock.drains.wait()
            async with client.get(ready) as answer:
                assert answer.status == 503
        clock.bell.set()
        await running
    good, missing = document["response"]["items"]
    assert good["value"]["succeeded"] is True
    assert missing["error"].startswith("NOT_FOUND")
    assert "ratify_verification_request_count 1.0" in measured
    assert 'ratify_system_error_count_total{error="NOT_FOUND",workload_namespace=""} 1.0' in measured
    assert "ratify_executor_scopes 1.0" in measured
    assert f'ratify_build_info{{version="{version("pyratify")}"}} 1.0' in measured
    (line,) = [record for record in caplog.records if record.getMessage() == "serving"]
    assert line.version == version("pyratify")  # type: ignore[attr-defined]


async def test_an_idle_process_forgets_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What engines remember of those that are no longer used, every second."""
    swept = asyncio.Event()
    monkeypatch.setattr(Engine, "sweep", lambda _: swept.set())
    clock = SecondClock()
    tls, _ = identity(tmp_path)
    process = Process(flags("--config", config(tmp_path), *tls), make, clock)
    running = asyncio.create_task(process.run())
    waiting = asyncio.create_task(swept.wait())
    await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
    assert swept.is_set()
    process.stop.set()
    clock.bell.set()
    await running


@pytest.mark.parametrize(
    "arguments",
    [
        ("--address", ":0"),
        ("--cert-file", "x"),
        ("--gatekeeper-ca-cert-file", "x"),
        ("--cert-file", "missing", "--key-file", "missing"),
        ("--address", "nowhere"),
    ],
)
async def test_flags_that_do_not_fit_are_refused(arguments: tuple[str, ...]) -> None:
    """Before anything is served."""
    with pytest.raises(ConfigurationError):
        await Process(flags(*arguments), make, BellClock()).run()


def test_flags_are_taken_as_go_takes_them() -> None:
    """One dash or two, and switches with a value."""
    given = ("-address=:1", "--disable-mutation=true", "-enable-metrics=false", "-c", "x")
    assert go_style(given) == ["--address=:1", "--disable-mutation", "-c", "x"]


@pytest.mark.parametrize(
    ("arguments", "served"),
    [
        ((), {"v1/verify", "v2/verify", "v1/mutate", "v2/mutate"}),
        (("--disable-mutation",), {"v1/verify", "v2/verify"}),
    ],
)
def test_mutation_is_served_unless_it_is_disabled(arguments: tuple[str, ...], served: set[str]) -> None:
    """The flag takes its paths away."""
    clock = BellClock()
    server = make(ServerContext(flags(*arguments), Here(None), Verdicts(clock), clock))
    assert set(server.site.routes) == {("POST", f"/ratify/gatekeeper/{path}") for path in served}


@pytest.mark.parametrize(("path", "flag"), [(VERIFY, "--verify-timeout"), (MUTATE, "--mutate-timeout")])
async def test_answers_come_before_the_timeout_that_the_flag_says(path: str, flag: str) -> None:
    """Each flag is for its own path."""
    clock = BellClock()

    class Slow(MemoryStore):
        async def resolve(self, reference: Any) -> Any:
            clock.bell.set()
            await asyncio.Event().wait()

    executor = Executor(store=Slow(), verifiers=(FakeVerifier(),), policy=ONE)
    here = Here(Held(Engine(ScopeMap([("*", executor)]), "one")))
    server = make(ServerContext(flags(flag, "3s"), here, Verdicts(clock), clock))
    reply = await server.site.routes["POST", path](Request(body=request("example.com/app:v1")))
    (item,) = json.loads(reply.body)["response"]["items"]
    assert item["error"].startswith("TIMEOUT: ")
    assert clock.slept == [evaluation_seconds(answer_within(3))]
    await server.aclose()


async def test_a_request_has_as_many_keys_as_the_flag_says() -> None:
    """One more is refused whole."""
    clock = BellClock()
    server = make(ServerContext(flags("--max-keys", 2), Here(None), Verdicts(clock), clock))
    for keys, status in ((2, 200), (3, 413)):
        reply = await server.site.routes["POST", VERIFY](Request(body=request(*map(str, range(keys)))))
        assert reply.status == status


def test_both_commands_refuse_to_serve_without_authentication(capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code of wrong usage and what to do; and they explain themselves."""
    assert main(["-address", ":0"]) == 3
    assert "without TLS" in capsys.readouterr().err
    assert ratify(["gatekeeper", "serve", "--address", ":0"]) == 3
    assert "without TLS" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert main([]) == 3


async def test_a_process_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """SIGTERM, exit code 0, and every line of its log is JSON; without a configuration it serves all the same."""
    command = ("gatekeeper", "serve", "--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyratify", *command, "--drain", "1ms",
        cwd=tmp_path, stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert process.stderr is not None
    lines = []
    while not lines or lines[-1]["message"] != "serving":
        lines.append(json.loads(await process.stderr.readline()))
    process.send_signal(signal.SIGTERM)
    rest = await process.stderr.read()
    assert await process.wait() == 0
    assert [json.loads(line)["message"] for line in rest.splitlines()] == ["draining"]
    assert "configuration refused" in [line["message"] for line in lines]


async def test_metrics_that_are_not_installed_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "pyratify.serving.telemetry.metrics", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        await Process(flags("--enable-metrics"), make, BellClock()).run()
    assert "pyratify[metrics]" in caught.value.remedy
