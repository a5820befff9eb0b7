"""Several workers behind one address, as real processes: shared, counted together, killed, stopped, ended without a lost request."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.sockets import bind
from pyratify.serving.workers.control import VARIABLE, inherit
from support.ports import free_port
from support.providers import VERIFY, request

KEYS = Path(__file__).resolve().parents[2] / "examples" / "material" / "keys"
SECONDS = 60


@dataclass
class Server:
    """`ratify gatekeeper serve` as it is started by people."""

    process: asyncio.subprocess.Process
    url: str
    health: str
    metrics: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def read(self) -> None:
        """Read its log."""
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(json.loads(line))

    def said(self, message: str) -> list[dict[str, Any]]:
        """Return the lines with this message."""
        return [line for line in self.lines if line["message"] == message]

    @property
    def pids(self) -> dict[int, int]:
        """The workers' processes, by their numbers."""
        return {line["worker"]: line["pid"] for line in self.said("worker started")}

    async def value(self, client: aiohttp.ClientSession, name: str) -> float:
        """Return the value of a metric."""
        async with client.get(self.metrics) as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$", await answer.text(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def ready(self, client: aiohttp.ClientSession) -> int:
        """Return the status of `/readyz`."""
        async with client.get(f"{self.health}/readyz") as answer:
            return answer.status


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something of real processes."""
    async with asyncio.timeout(SECONDS):
        while not await true():  # noqa: ASYNC110 - they are other processes
            await asyncio.sleep(0.02)


def config(folder: Path) -> Path:
    """Write a configuration."""
    policies = [{"ignoreTLog": True, "keys": {"files": [str(KEYS / "cosign.pub")]}}]
    verifier = {"name": "cosign-1", "type": "cosign", "parameters": {"trustPolicies": policies}}
    path = folder / "config.json"
    path.write_text(json.dumps({"executors": [{"scopes": ["example.com"], "verifiers": [verifier]}]}))
    return path


@asynccontextmanager
async def serving(folder: Path, *arguments: str, workers: int = 2) -> AsyncIterator[Server]:
    """Run it until all workers are ready, and end whatever is left of it."""
    port, health, metrics = free_port(), free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyratify", "gatekeeper", "serve", "-c", str(config(folder)),
        "--address", f"127.0.0.1:{port}", "--health-address", f"127.0.0.1:{health}",
        "--enable-metrics", "--metrics-port", str(metrics), "--workers", str(workers), *arguments,
        stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    local = "http://127.0.0.1"
    server = Server(process, f"{local}:{port}{VERIFY}", f"{local}:{health}", f"{local}:{metrics}/metrics")
    reading = asyncio.create_task(server.read())
    try:
        async with aiohttp.ClientSession() as client:

            async def all_ready() -> bool:
                assert process.returncode is None, server.lines
                started = len(server.said("supervising")) == 1
                return started and await server.value(client, "ratify_workers_ready") == workers

            await until(all_ready)
        yield server
    finally:
        for pid in (process.pid, *server.pids.values()):
            _kill(pid)
        await process.wait()
        async with asyncio.timeout(SECONDS):
            await reading


def _kill(pid: int) -> None:
    try:
        if os.getpgid(pid) != os.getpgrp():
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@dataclass
class Load:
    """Requests one after another, over connections that are kept and over new ones, each of which must be answered."""

    url: str
    answered: int = 0
    refused: list[str] = field(default_factory=list)
    stop: bool = False

    async def ask(self, fresh: bool) -> None:
        """Ask until stopped, over one connection or over a fresh one for each request."""
        while not self.stop:
            async with aiohttp.ClientSession() as client:
                await self._one(client)
                while not (fresh or self.stop):
                    await self._one(client)

    async def _one(self, client: aiohttp.ClientSession) -> None:
        try:
            async with client.post(self.url, data=request("elsewhere.example/app:v1")) as answer:
                document = await answer.json()
                assert answer.status == 200
                assert document["response"]["items"][0]["error"].startswith("SCOPE_NO_MATCH")
                self.answered += 1
        except aiohttp.ClientError as error:
            self.refused.append(repr(error))

    @asynccontextmanager
    async def running(self, clients: int = 4) -> AsyncIterator["Load"]:
        """Ask from several clients while the context is open."""
        asking = [asyncio.create_task(self.ask(number % 2 == 0)) for number in range(clients)]
        try:
            yield self
        finally:
            self.stop = True
            await asyncio.gather(*asking)

    async def some(self, number: int) -> None:
        """Wait until so many more requests were answered."""
        goal = self.answered + number

        async def enough() -> bool:
            return self.answered >= goal

        await until(enough)


async def test_workers_share_an_address_and_are_counted_together(tmp_path: Path) -> None:
    """A worker that is killed is replaced without its counts being lost; without the supervisor all workers end."""
    async with serving(tmp_path) as server, aiohttp.ClientSession() as client:
        assert sorted(server.pids) == [0, 1]
        for _ in range(30):
            async with (
                aiohttp.ClientSession() as fresh,
                fresh.post(server.url, data=request("a.b/c:d")) as answer,
            ):
                assert answer.status == 200
        assert await server.value(client, "ratify_verification_request_count") == 30
        assert await server.value(client, "ratify_executors") == 1
        assert await server.ready(client) == 200
        async with client.get(f"{server.health}/healthz") as answer:
            assert answer.status == 200
        assert {line.get("worker") for line in server.said("serving")} == {0, 1}

        killed = server.pids[1]
        os.kill(killed, signal.SIGKILL)

        async def replaced() -> bool:
            return server.pids[1] != killed and await server.value(client, "ratify_workers_ready") == 2

        await until(replaced)
        assert await server.value(client, "ratify_verification_request_count") == 30
        assert await server.value(client, "ratify_worker_restarts") == 1
        assert [line["code"] for line in server.said("worker ended and is started again")] == [-9]

        server.process.kill()
        await server.process.wait()

        async def gone() -> bool:
            return not any(_runs(pid) for pid in server.pids.values())

        await until(gone)


async def test_a_worker_that_is_told_to_end_loses_no_request(tmp_path: Path) -> None:
    """Under load it finishes what it has, is replaced, and every answered request is counted once; then all end, with exit code 0."""
    async with serving(tmp_path, "--drain", "200ms") as server, aiohttp.ClientSession() as client:
        async with Load(server.url).running() as load:
            ended = server.pids[0]
            await load.some(20)
            os.kill(ended, signal.SIGTERM)

            async def replaced() -> bool:
                ready = await server.value(client, "ratify_workers_ready") == 2
                return server.pids[0] != ended and ready

            await until(replaced)
            await load.some(20)
        assert load.refused == []
        assert await server.value(client, "ratify_verification_request_count") == load.answered
        assert [line["code"] for line in server.said("worker ended and is started again")] == [0]
        async with Load(server.url).running() as load:
            await load.some(20)
            server.process.send_signal(signal.SIGTERM)

            async def draining() -> bool:
                return bool(server.said("draining"))

            await until(draining)
        assert load.refused == []
        async with asyncio.timeout(SECONDS):
            assert await server.process.wait() == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(server.url.split(":")[2].split("/")[0]))) != 0


def _runs(pid: int) -> bool:
    try:
        return b"pyratify" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def test_what_no_worker_can_use_ends_the_whole(tmp_path: Path) -> None:
    """A certificate that is missing is a mistake, not a crash: nothing is tried again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyratify", "gatekeeper", "serve", "-c", str(config(tmp_path)),
        "--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--workers", "2",
        "--cert-file", "missing.pem", "--key-file", "missing.pem",
        stderr=asyncio.subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == 3
    assert b"missing.pem" in errors
    assert b"no worker can start" in errors


@pytest.mark.parametrize("text", ["x", "1", "0,99999", "0,-1", ","])
def test_the_workers_variable_is_reserved(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is set is reported; it is removed from the environment in any case."""
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ConfigurationError):
        inherit()
    assert VARIABLE not in os.environ
    assert inherit() is None


def test_every_address_of_a_host_has_the_same_port() -> None:
    """And an address that is in use is refused."""
    found = bind("127.0.0.1", 0)
    port = found[0].getsockname()[1]
    with pytest.raises(ConfigurationError):
        bind("127.0.0.1", port)
    for one in (*found, *bind("", 0)):
        one.close()
    with pytest.raises(ConfigurationError):
        bind("no.such.host.invalid", 1)
