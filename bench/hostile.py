"""64 hostile keys at once, each kind that publishers, registries and clients have tried, beside honest questions.

Aims: a remembered question is answered within 100 ms at the 99th percentile, a fresh one is allowed within its deadline, every
answer comes before the deadline, and the process stays under 300 MiB.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.honest import Asked, asking
from bench.hostile_registry import KINDS, SUBJECT
from bench.load import Connection, resident
from bench.measure import table
from bench.provider import Server, asked, free_port, started, wait_for
from pyratify.core.limits import MIB
from pyratify.testing.tls import Authority

_HOSTILE, _BODIES, _ROUNDS = 64, 48, 3


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        remembered: Every remembered question, which a client of its own process asks.
        fresh: Seconds of every fresh one.
        hostile: Seconds of every request with hostile keys.
        refused: How many honest questions were not allowed.
        allowed: How many hostile keys were.
        peak: MiB that were resident at most.
    """

    remembered: tuple[Asked, ...]
    fresh: tuple[float, ...]
    hostile: tuple[float, ...]
    refused: int
    allowed: int
    peak: float

    def percentile(self, share: float, *, with_a_core: bool = False) -> float:
        """Return the seconds within which that share of the remembered questions was answered.

        Args:
            share: The share.
            with_a_core: Leave out the time in which a thread waited for a core: what a machine would add that has one for each.
        """
        times = sorted(each.seconds - each.waited * with_a_core for each in self.remembered)
        return times[min(len(times) - 1, int(len(times) * share))]


def report() -> str:
    """Measure and return the tables."""
    head = ("64 hostile keys", "remembered, p50", "p99 (aim: 100 ms)", "p99 but for waiting for a core", "fresh, slowest (aim: 4900 ms)",
            "hostile, slowest (aim: 4900 ms)", "peak (aim: 300 MiB)", "honest refused", "hostile allowed")  # fmt: skip
    rows = [
        (name, *_row(measure(kinds, rounds=_ROUNDS))) for name, kinds in (("of each kind", KINDS), *_alone())
    ]
    return table("Hostile keys beside honest ones", head, rows)


def _alone() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in KINDS:
        yield kind, (kind,)


def _row(found: Figures) -> tuple[str, ...]:
    late = (found.percentile(0.99), found.percentile(0.99, with_a_core=True))
    seconds = (found.percentile(0.5), *late, max(found.fresh), max(found.hostile))
    return (
        *(f"{each * 1000:.0f} ms" for each in seconds),
        f"{found.peak:.0f} MiB",
        str(found.refused),
        str(found.allowed),
    )


def measure(kinds: tuple[str, ...], *, rounds: int, timeout: str = "5s") -> Figures:
    """Ask hostile and honest questions at the same time.

    Args:
        kinds: What is hostile.
        rounds: How many times 64 hostile keys are asked about.
        timeout: The provider's timeout.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tls.pem").write_bytes(Authority().issue("provider", "127.0.0.1"))
        with registry(folder) as host, provider(folder, "--verify-timeout", timeout) as server:
            return _measure(server, host, kinds, rounds)


def _measure(server: Server, host: str, kinds: tuple[str, ...], rounds: int) -> Figures:
    question = asked([image(host, "honest", 0)])
    allowed, fresh, hostile = list[bool](), list[float](), list[tuple[float, int]]()
    with asking(server.address, server.pid, question) as honest, ThreadPoolExecutor(_BODIES + 2) as pool:
        for turn in range(rounds):
            work = [pool.submit(_hostile, server.address, host, kinds, turn)]
            bodies = [pool.submit(_large_body, server.address) for _ in range(_BODIES)]
            new = pool.submit(_timed, server.address, asked([image(host, "honest", turn + 1)]))
            every: list[Future[Any]] = [*work, *bodies, new]
            wait(every)
            hostile.extend(_results(work))
            seconds, answer = new.result()
            fresh.append(seconds)
            allowed.append(_is_allowed(answer))
    allowed.extend(each.allowed for each in honest.asked)
    times = tuple(seconds for seconds, _ in hostile)
    wrong = sum(count for _, count in hostile)
    return Figures(
        tuple(honest.asked), tuple(fresh), times, allowed.count(False), wrong, resident(server.pid, peak=True)
    )


def _results(work: "list[Future[tuple[float, int]]]") -> list[tuple[float, int]]:
    return [each.result() for each in work]


def _hostile(address: str, host: str, kinds: tuple[str, ...], turn: int) -> tuple[float, int]:
    """Ask about 64 hostile keys; return the seconds and how many were allowed."""
    keys = [image(host, kinds[number % len(kinds)], turn * _HOSTILE + number) for number in range(_HOSTILE)]
    seconds, answer = _timed(address, asked(keys))
    return seconds, answer.count(b'"succeeded":true')


def _timed(address: str, body: bytes) -> tuple[float, bytes]:
    connection = Connection(address)
    try:
        return _post(connection, body)
    finally:
        connection.close()


def _post(connection: Connection, body: bytes) -> tuple[float, bytes]:
    began = time.perf_counter()
    answer = connection.post(body)
    return time.perf_counter() - began, answer


def _large_body(address: str) -> None:
    """Send a body of almost a MiB that holds no question; whatever is answered, a refusal before it is read too."""
    body = b'{"kind":"ProviderRequest","x":[' + b"[]," * (MIB // 3 - 64) + b"[]]}"
    with contextlib.suppress(OSError, RuntimeError):
        _timed(address, body)


def _is_allowed(answer: bytes) -> bool:
    return b'"succeeded":true' in answer


def image(host: str, kind: str, number: int) -> str:
    """Return the key of an image of the hostile registry."""
    return f"{host}/{kind}/app{number}@{SUBJECT.digest}"


@contextmanager
def registry(folder: Path, port: int = 0) -> Iterator[str]:
    """Run the hostile registry; yield its address."""
    with started((sys.executable, "-m", "bench.hostile_registry", str(folder), str(port))) as server:
        yield server.address


@contextmanager
def provider(folder: Path, *flags: str) -> Iterator[Server]:
    """Run our provider, which trusts the hostile registry's honest key."""
    config, pem, port = folder / "config.json", str(folder / "tls.pem"), free_port()
    config.write_text(json.dumps(configuration(folder)))
    command = (sys.executable, "-m", "pyratify", "gatekeeper", "serve", "--config", str(config),
               "--address", f"127.0.0.1:{port}", "--health-address", "127.0.0.1:0", "--cert-file", pem, "--key-file", pem,
               "--drain", "1ms", "--log-level", "error", "--verdict-lifetime", "10m", *flags)  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            wait_for(port)
            yield Server(f"127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def configuration(folder: Path, **more: object) -> dict[str, object]:
    """Return a configuration that trusts one key; `more` adds members to it."""
    policy = {"ignoreTLog": True, "keys": {"files": [str(folder / "cosign.pub")]}}
    executor = {
        "scopes": ["*"],
        "verifiers": [{"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}],
        "stores": [{"type": "registry-store", "parameters": {"plainHttp": True, "allowCosignTag": True}}],
    }
    return {"executors": [executor], **more}
