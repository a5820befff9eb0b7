"""`ratify node serve` as a process: real material, a restart without a registry, readiness, metrics, and what is refused."""

import asyncio
import io
import json
import os
import shutil
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli import main
from pyratify.entrypoints.node.containerd.containerd_site import PATH
from pyratify.entrypoints.node.node_flags import add_serve_flags
from pyratify.entrypoints.node.serve_node import make
from pyratify.serving.deadline_group import late_after
from pyratify.serving.http.routes import Address
from pyratify.serving.local_flags import long_lifetime
from pyratify.serving.process import Process
from pyratify.testing.registry import RegistrySimulator
from support.docker import question
from support.nodes import arguments, body, descriptor
from support.nri import call, runtime
from support.services import MATERIAL, configuration


def flags(folder: Path, *given: object) -> Namespace:
    """Return the daemon's flags, with everything of it in a folder."""
    parser = ArgumentParser()
    add_serve_flags(parser)
    fixed = ("--socket", folder / "node.sock", "--state", folder / "state", "--health-address", "127.0.0.1:0")
    return parser.parse_args([str(word) for word in (*fixed, "--drain", "1ms", *given)])


@asynccontextmanager
async def serving(folder: Path, *given: object) -> AsyncIterator[Address]:
    """Run the daemon in this process and give the address of its health."""
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    process = Process(flags(folder, *given), make, started=lambda *found: started.set_result(found))
    running = asyncio.create_task(process.run())
    await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    where, health = started.result()
    assert str(where) == str(folder / "node.sock")
    try:
        yield health
    finally:
        process.stop.set()
        await running


async def asked(folder: Path, question: bytes) -> tuple[str, str]:
    """Return the exit code and the text of an answer."""
    connector = aiohttp.UnixConnector(str(folder / "node.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as client,
        client.post(f"http://node{PATH}", data=question) as answer,
    ):
        assert answer.status == 200
        code, _, text = (await answer.text()).partition("\n")
        return code, text


async def ready(health: Address) -> dict[str, Any]:
    """Return what the daemon says of its readiness."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{health.port}/readyz") as answer,
    ):
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_restarted_daemon_needs_no_registry(tmp_path: Path) -> None:
    """The same configuration, the same digest: the second daemon's registry is not asked once."""
    config = configuration(tmp_path)
    with RegistrySimulator() as registry:
        store = registry.load_layout(MATERIAL / "layout", "app")
        name = str(registry.reference(name="cosign-v3"))
        subject = await store.resolve(registry.reference(name="cosign-v3"))
        async with serving(tmp_path, "-c", config):
            code, text = await asked(tmp_path, body(subject, name))
            assert (code, text.split()[:2]) == ("0", ["ratify:", "ALLOWED"])
        assert not (tmp_path / "node.sock").exists()
        before = len(registry.hits)
        async with serving(tmp_path, "-c", config):
            assert (await asked(tmp_path, body(subject, name)))[0] == "0"
        assert len(registry.hits) == before
        # Without the folder nothing is known.
        async with serving(tmp_path, "-c", config, "--state", ""):
            assert (await asked(tmp_path, body(subject, name)))[0] == "0"
        assert len(registry.hits) > before


async def test_a_changed_configuration_begins_anew(tmp_path: Path) -> None:
    """Another key: what was kept for the first one says nothing."""
    config = configuration(tmp_path)
    with RegistrySimulator() as registry:
        store = registry.load_layout(MATERIAL / "layout", "app")
        name = str(registry.reference(name="cosign-v3"))
        subject = await store.resolve(registry.reference(name="cosign-v3"))
        async with serving(tmp_path, "-c", config):
            assert (await asked(tmp_path, body(subject, name)))[0] == "0"
        config.write_text(config.read_text().replace("keys/cosign.pub", "keys/other.pub"))
        async with serving(tmp_path, "-c", config):
            code, text = await asked(tmp_path, body(subject, name))
    assert code == "1"
    assert "DENIED" in text


async def test_an_outage_is_bridged_across_a_restart(tmp_path: Path) -> None:
    """`whenUndecided` of the file, from the first verdict to one without a registry."""
    config = configuration(tmp_path)
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "node": {"whenUndecided": "lastVerdict"}}))
    never = ("-c", config, "--verdict-lifetime", "0")
    with RegistrySimulator() as registry:
        store = registry.load_layout(MATERIAL / "layout", "app")
        name = str(registry.reference(name="cosign-v3"))
        subject = await store.resolve(registry.reference(name="cosign-v3"))
        unsigned = await store.resolve(registry.reference(name="unsigned"))
        async with serving(tmp_path, *never):
            assert (await asked(tmp_path, body(subject, name)))[0] == "0"
            assert (await asked(tmp_path, body(unsigned, name)))[0] == "1"
    async with serving(tmp_path, *never):
        code, text = await asked(tmp_path, body(subject, name))
        assert (code, "by its last verdict" in text) == ("0", True)
        assert (await asked(tmp_path, body(unsigned, name)))[0] == "2"


async def test_answers_are_measured(tmp_path: Path) -> None:
    """As those of the other servers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    metrics = ("--enable-metrics", "--metrics-port", port)
    async with serving(tmp_path, "-c", configuration(tmp_path), *metrics):
        await asked(tmp_path, body(Descriptor("a/b", Digest.of(b"x"), 1), "127.0.0.1:1/app:v1"))
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            text = await answer.text()
    assert "ratify_verification_request_count 1.0" in text
    assert 'ratify_system_error_count_total{error="REGISTRY_UNREACHABLE"' in text


async def test_a_socket_that_is_gone_is_a_daemon_that_is_not_ready(tmp_path: Path) -> None:
    """Its clients reach it no more, so a probe has to see it."""
    async with serving(tmp_path, "-c", configuration(tmp_path)) as health:
        assert (await ready(health))["status"] == "ok"
        (tmp_path / "node.sock").unlink()
        assert "is gone" in (await ready(health))["faults"]["sockets"]


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd is not installed")
async def test_the_first_question_starts_the_daemon(tmp_path: Path) -> None:
    """Systemd listens, the client waits while the daemon starts, and the socket stays when it ends."""
    where = tmp_path / "node.sock"
    ours = (
        sys.executable,
        "-m",
        "pyratify",
        "node",
        "serve",
        "--socket",
        where,
        "--state",
        "",
        "--drain",
        "1ms",
    )
    command = (
        "systemd-socket-activate",
        "-l",
        where,
        *ours,
        "--health-address",
        "127.0.0.1:0",
        "-c",
        "absent",
    )
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"Listening on" in await process.stderr.readline()
    code, text = await asked(tmp_path, body(Descriptor("a/b", Digest.of(b"x"), 1)))
    assert (code, "[NO_EXECUTOR]" in text) == ("2", True)
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
    assert where.is_socket()


async def test_flags_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """No runtime, an unknown group, a socket of another server, a folder that cannot be made."""
    (tmp_path / "file").write_text("")
    for given in (
        ("--socket", ""),
        ("--group", "no-such-group"),
        ("--socket", tmp_path / "file"),
        ("--state", tmp_path / "file" / "state"),
    ):
        with pytest.raises(ConfigurationError):
            await Process(flags(tmp_path, *given), make).run()


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("90s", 90), ("10m", 600), ("23h", 82800)])
def test_a_lifetime_is_less_than_a_day(text: str, seconds: float) -> None:
    """In seconds, minutes or hours."""
    assert long_lifetime(text) == seconds
    for wrong in ("24h", "-1s", "1d", "", "1e3s", "٣s"):
        with pytest.raises(Exception, match=r"duration|less than a day"):
            long_lifetime(wrong)


def test_one_question_is_answered_without_the_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ratify node verify`: containerd's arguments, and the same exit codes."""
    config = configuration(tmp_path)
    with RegistrySimulator() as registry:
        store = registry.load_layout(MATERIAL / "layout", "app")
        for tag, code, word in (("cosign-v3", 0, "ALLOWED"), ("unsigned", 1, "DENIED")):
            reference = registry.reference(name=tag)
            digest = str(asyncio.run(store.resolve(reference)).digest)
            given = arguments(digest, str(reference))
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(descriptor(digest))))
            assert main(["node", "verify", "-c", str(config), "--state", str(tmp_path / "s"), *given]) == code
            assert f"ratify: {word} " in capsys.readouterr().out
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
        assert main(["node", "verify", "-c", str(config), "--state", "", *given]) == 2
        assert "UNDECIDED" in capsys.readouterr().out


def test_one_question_without_a_folder_and_with_a_defect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user reads a sentence in any case, on standard output."""
    digest = str(Digest.of(b"x"))
    command = ["node", "verify", "-c", str(tmp_path / "absent"), "--state", "", *arguments(digest)]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(descriptor(digest))))
    assert main(command) == 2
    assert "ratify node has no valid configuration [NO_EXECUTOR]" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", None)
    assert main(command) == 2
    assert "[INTERNAL]" in capsys.readouterr().out
    assert main(["node", "serve", "--group", "no-such-group", "--state", ""]) == 3


def test_the_state_of_systemd_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`$STATE_DIRECTORY`, of which systemd may name several; without it a folder of its own."""
    monkeypatch.setitem(os.environ, "STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    parser = ArgumentParser()
    add_serve_flags(parser)
    assert parser.parse_args([]).state == "/var/lib/one"


async def test_docker_and_nri_are_served_by_the_same_daemon(tmp_path: Path) -> None:
    """The plugin of Docker answers at its own socket; NRI is a part of the readiness."""
    docker = tmp_path / "docker.sock"
    given = ("--docker", docker, "--docker-daemon", tmp_path / "absent.sock", "--nri", tmp_path / "nri.sock")
    async with serving(tmp_path, "-c", configuration(tmp_path), *given) as health:
        connector = aiohttp.UnixConnector(str(docker))
        async with aiohttp.ClientSession(connector=connector) as client:

            async def answer(path: str, document: bytes = b"{}") -> dict[str, Any]:
                """Return what the Docker daemon would be answered."""
                async with client.post(f"http://plugin{path}", data=document) as response:
                    found: dict[str, Any] = await response.json(content_type=None)
                    return found

            assert await answer("/Plugin.Activate") == {"Implements": ["authz"]}
            create = question("/containers/create", {"Image": "app"})
            assert "[RUNTIME_UNREACHABLE]" in (await answer("/AuthZPlugin.AuthZReq", create))["Msg"]
            assert (await answer("/AuthZPlugin.AuthZReq", question("/_ping", method="GET")))["Allow"] is True
            assert "Err" in await answer("/Other")
        assert "nri.sock" in (await ready(health))["faults"]["nri"]
        async with runtime(tmp_path / "nri.sock") as found:
            await found.plugin()
            await found.ask(call("Configure"))
            assert "nri" not in (await ready(health))["faults"]


async def test_the_docker_daemon_is_answered_in_the_time_that_the_flag_says(tmp_path: Path) -> None:
    """Docker waits for its plugin, and so do all its clients; the text names the time."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_unix_server(say_nothing, tmp_path / "silent.sock")
    given = ("--docker", tmp_path / "docker.sock", "--docker-daemon", tmp_path / "silent.sock")
    create = question("/containers/create", {"Image": "app"})
    async with (
        silent,
        serving(tmp_path, "-c", configuration(tmp_path), *given, "--docker-timeout", "50ms"),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(tmp_path / "docker.sock"))) as client,
        client.post("http://plugin/AuthZPlugin.AuthZReq", data=create) as response,
    ):
        answer = await response.json(content_type=None)
    assert answer["Allow"] is False
    assert "[TIMEOUT]" in answer["Msg"]
    assert late_after(0.05).message in answer["Msg"]
