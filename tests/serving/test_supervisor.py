"""The supervisor with workers that misbehave, and a worker with a supervisor that is a test."""

import asyncio
import json
import logging
import signal
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.http.server import Address
from pyratify.serving.http.sockets import bind
from pyratify.serving.process import Process
from pyratify.serving.workers.control import Inherited, Report, answer, parse_report
from pyratify.serving.workers.supervisor import Supervisor
from support.ports import free_port
from support.providers import VERIFY, request

SECONDS = 60
# Workers without an engine: they have what a worker has, and answer as they are told.
BEGIN = """
import os, signal, socket, sys, time
control = socket.socket(fileno=int(os.environ["RATIFY_WORKER"].split(",")[1]))
lines = control.makefile("rwb", buffering=0)
def answer(text): lines.write(text + b"\\n")
GOOD = b'{"serving":true,"faults":{},"families":[{"name":"x","type":"counter","about":"x","samples":[["x_total",[],2.0]]}]}'
"""
SILENT = {"worker": "it does not report any more"}
GOOD = BEGIN + "for line in lines: answer(GOOD)"


def flags(*arguments: object) -> Namespace:
    """Return flags."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--drain", "1ms")
    return parser.parse_args([*fixed, *map(str, arguments)])


PAUSES = (0.2, 0.4, 0.8, 1.6)
BEATS = (1.0, 0.05)


@dataclass
class QuickClock(SystemClock):
    """A clock on which the pauses after a crash and between reports are short; the patience with real processes is as it is said."""

    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not for long between reports, nor after a crash."""
        if seconds in PAUSES:
            self.pauses.append(seconds)
        await asyncio.sleep(0.01 if seconds in PAUSES + BEATS else seconds)


def supervisor(script: str, *arguments: object, **settings: float) -> Supervisor:
    """Return a supervisor of workers that run a script."""
    return Supervisor(flags(*arguments), (sys.executable, "-c", script), QuickClock(), **settings)  # type: ignore[arg-type]


def ready(found: Supervisor) -> int:
    """Return how many workers are ready."""
    return sum(worker.is_ready for worker in found.workers.values())


@asynccontextmanager
async def running(found: Supervisor, true: Callable[[], bool]) -> AsyncIterator[None]:
    """Run until something is true, then what is in the context, and end it."""
    task = asyncio.create_task(found.run())
    try:
        async with asyncio.timeout(SECONDS):
            while not true():
                assert not task.done(), task
                await asyncio.sleep(0.01)
            yield
            found.stop.set()
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(BEGIN + "time.sleep(600)", id="says-nothing"),
        pytest.param(BEGIN + "answer(b'evil'); time.sleep(600)", id="says-nonsense"),
        pytest.param(BEGIN + "answer(b'[1]'); time.sleep(600)", id="says-something-else"),
        pytest.param(BEGIN + "os.kill(os.getpid(), signal.SIGSTOP)", id="stops"),
    ],
)
async def test_a_worker_that_does_not_answer_is_ended_and_started_again(script: str) -> None:
    """Whatever it does instead; until one answers the whole is not ready."""
    found = supervisor(script, starting=0.2, patience=0.2)
    async with running(found, lambda: found.restarts >= 2):
        assert found.unready_reason() != ""


async def test_a_worker_that_hangs_up_and_lives_on_is_not_ready_and_is_ended() -> None:
    """Otherwise a worker that stopped answering would go unnoticed."""
    deserter = BEGIN + (
        "for _ in range(5): lines.readline(); answer(GOOD)\nlines.close(); control.close(); time.sleep(600)"
    )
    found, seen = supervisor(deserter, patience=0.3), set[bool]()

    def ended() -> bool:
        seen.update(
            not worker.is_ready and worker.report.faults == SILENT for worker in found.workers.values()
        )
        return found.restarts >= 1 and True in seen

    async with running(found, ended):
        pass


async def test_a_worker_that_ends_with_unread_requests_is_not_killed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its end resets the connection; it finishes nevertheless, with its own exit code."""
    hasty = BEGIN + (
        "lines.readline(); answer(GOOD)\n"
        "import select; select.select([control], [], [])\n"  # a request that is never read
        "lines.close(); control.close(); time.sleep(0.2); os._exit(7)"
    )
    found = supervisor(hasty)
    with caplog.at_level(logging.WARNING):
        async with running(found, lambda: found.restarts >= 1):
            pass
    assert {getattr(record, "code", None) for record in caplog.records} == {7}


async def test_the_last_report_arrives_although_requests_are_unread() -> None:
    """A local socket that is closed with unread data would take it away."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=ours)
    report = Report(serving=True, faults={})
    task = asyncio.create_task(answer(theirs, lambda wanted: report, lambda: None))
    async with asyncio.timeout(SECONDS):
        writer.write(b"state\n")
        assert parse_report(await reader.readline()) == report
        writer.write(b"state\n" * 100)
        task.cancel()
        assert parse_report(await reader.read()) == report
        writer.close()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_pauses_between_crashes_grow() -> None:
    """A worker that crashes at once does not keep the machine busy."""
    found = supervisor(BEGIN + "sys.exit(1)")
    clock = found.clock
    assert isinstance(clock, QuickClock)
    async with running(found, lambda: found.restarts >= 4):
        assert clock.pauses[:4] == [0.2, 0.4, 0.8, 1.6]


async def test_a_worker_that_refuses_to_start_ends_the_whole() -> None:
    """Its exit code says that the configuration or the flags are wrong."""
    with pytest.raises(ConfigurationError):
        await supervisor(BEGIN + "sys.exit(3)").run()


async def test_a_worker_that_does_not_end_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """After its time, by force."""
    deaf = (
        BEGIN
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nfor line in lines: answer(GOOD)\ntime.sleep(600)"
    )
    found = supervisor(deaf, "--workers", 2, finishing=0.1)
    with caplog.at_level(logging.ERROR):
        async with running(found, lambda: ready(found) == 2):
            pass
    assert [record.message for record in caplog.records] == ["worker ended by force"] * 2


async def test_a_worker_that_hangs_is_ended_with_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """Stopped, it holds up neither metrics nor health, which the others have; nor the end of the whole."""
    port, where = free_port(), list[Address]()
    found = supervisor(
        GOOD, "--workers", 2, "--enable-metrics", "--metrics-port", port, scraping=0.05, finishing=0.2
    )
    found.started = lambda _, health: where.append(health)
    with caplog.at_level(logging.ERROR):
        async with running(found, lambda: ready(found) == 2), aiohttp.ClientSession() as client:
            found.workers[1].send(signal.SIGSTOP)
            async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert "x_total 4.0" in (await answer.text()).splitlines()
            async with client.get(f"http://127.0.0.1:{where[0].port}/readyz") as answer:
                assert answer.status == 200
    assert "worker ended by force" in [record.message for record in caplog.records]


async def test_metrics_of_the_whole_are_the_sum() -> None:
    """Of the workers that are there, and of those that were; with how many are ready."""
    port, where = free_port(), list[Address]()
    found = supervisor(GOOD, "--workers", 3, "--enable-metrics", "--metrics-port", port)
    found.started = lambda _, health: where.append(health)
    async with running(found, lambda: ready(found) == 3), aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        assert "x_total 6.0" in lines
        assert "ratify_workers_ready 3.0" in lines
        async with client.get(f"http://127.0.0.1:{where[0].port}/readyz") as answer:
            assert answer.status == 200
        found.workers[1].send(signal.SIGKILL)
        while found.restarts == 0 or ready(found) < 3:  # noqa: ASYNC110 - they are other processes
            await asyncio.sleep(0.01)
        async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        assert "x_total 8.0" in lines
        assert "ratify_worker_restarts 1.0" in lines


@pytest.mark.parametrize("how", ["told-to", "supervisor-gone"])
async def test_a_worker_reports_and_ends(how: str, tmp_path: Path) -> None:
    """It serves at the sockets that it has, says how it is, and with its end what it has measured."""
    keys = {"inline": {"keys": (Path(__file__).parents[2] / "examples/material/keys/cosign.pub").read_text()}}
    verifier = {
        "name": "v",
        "type": "cosign",
        "parameters": {"trustPolicies": [{"ignoreTLog": True, "keys": keys}]},
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"executors": [{"scopes": ["example.com"], "verifiers": [verifier]}]}))
    ours, theirs = socket.socketpair()
    sockets = bind("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    inherited = Inherited(0, theirs, sockets)
    process = Process(flags("-c", path, "--enable-metrics"), make, inherited=inherited)
    reader, writer = await asyncio.open_connection(sock=ours)

    async def asked(text: bytes) -> Report:
        writer.write(text)
        return parse_report(await reader.readline())

    async with asyncio.timeout(SECONDS):
        task = asyncio.create_task(process.run())
        while not (await asked(b"state\n")).serving:  # noqa: ASYNC110 - it is asked for it
            await asyncio.sleep(0.01)
        assert (await asked(b"state\n")).faults == {}
        async with aiohttp.ClientSession() as client:
            url = f"http://127.0.0.1:{port}{VERIFY}"
            async with client.post(url, data=request("a.example/b:c")) as answer:
                assert answer.status == 200
        if how == "told-to":
            process.stop.set()
        else:
            writer.write_eof()
        last = parse_report(await reader.readline())
        writer.close()
        await task
    assert ("draining" in last.faults) is (how == "told-to")
    counts = {sample[0]: sample[2] for family in last.families for sample in family.samples if not sample[1]}
    assert counts["ratify_verification_request_count"] == 1
    await writer.wait_closed()
