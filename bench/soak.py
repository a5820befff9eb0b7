"""A provider under load while everything around it fails: `python -m bench.soak [SECONDS]`, ten minutes when omitted.

Its registry is slow, answers 429 and 503, ends in the middle of answers and is started again; its certificate and its configuration
are exchanged; where redis-server is installed, the shared cache is killed and started again. Unsigned and hostile images are never
to be allowed, signed ones never to be denied (an error is no denial), and memory is to stay flat.
"""

import contextlib
import itertools
import json
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from bench.hostile import configuration, image, provider, registry
from bench.hostile_registry import KINDS
from bench.load import Connection, resident
from bench.measure import table
from bench.provider import Server, asked, free_port, wait_for
from pyratify.testing.tls import Authority

_SECONDS, _THREADS, _SIGNED, _TURN = 600.0, 6, 200, 15.0
_ALLOWED, _DENIED = b'"succeeded":true', b'"succeeded":false'
_MOST_MEMORY, _MOST_SLOPE, _LATEST = 250.0, 5.0, 6.0
_WARM, _TELLING = (
    300.0,
    1800.0,
)  # seconds until caches are full, and that a run takes whose slope says something


@dataclass
class Phase:
    """What was seen while one thing failed.

    Attributes:
        seconds: Of every request.
        kinds: How many answers were what they were.
        wrong: How many allowed what is not signed, or denied what is.
        memory: MiB that were resident, each second.
    """

    seconds: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    memory: list[float] = field(default_factory=list)


@dataclass
class Soak:
    """All that is running.

    Attributes:
        folder: Where its files are.
        server: The provider.
        host: The registry's address.
        phases: What was seen, by what failed.
        samples: The seconds since the beginning, and the MiB that were resident then.
    """

    folder: Path
    server: Server
    host: str
    phases: dict[str, Phase] = field(default_factory=dict)
    samples: list[tuple[float, float]] = field(default_factory=list)
    current: str = "nothing"
    stopping: threading.Event = field(default_factory=threading.Event)
    fresh: Iterator[int] = field(default_factory=lambda: itertools.count(_SIGNED))

    def note(self, seconds: float, kind: str, *, wrong: bool) -> None:
        """Note one answer."""
        phase = self.phases.setdefault(self.current, Phase())
        phase.seconds.append(seconds)
        phase.kinds[kind] += 1
        phase.wrong += wrong

    def ask(self) -> None:
        """Ask one question after another until told to stop."""
        connection: Connection | None = None
        while not self.stopping.is_set():
            kind, key = self._question()
            began = time.perf_counter()
            try:
                connection = connection or Connection(self.server.address)
                answer = connection.post(asked([key]))
            except (OSError, RuntimeError):  # the certificate was exchanged meanwhile
                connection = None
                self.note(time.perf_counter() - began, "reconnected", wrong=False)
                continue
            allowed, denied = _ALLOWED in answer, _DENIED in answer
            wrong = denied if kind == "honest" else allowed
            self.note(time.perf_counter() - began, _said(answer, allowed=allowed, denied=denied), wrong=wrong)

    def _question(self) -> tuple[str, str]:
        chance = random.random()
        if chance < 0.02:
            return "hostile", image(self.host, random.choice(KINDS), next(self.fresh))
        if chance < 0.1:
            return "unsigned", image(self.host, "unsigned", next(self.fresh))
        if chance < 0.15:
            return "malformed", "[x"
        number = next(self.fresh) if chance < 0.35 else random.randrange(_SIGNED)
        return "honest", image(self.host, "honest", number)


def _said(answer: bytes, *, allowed: bool, denied: bool) -> str:
    if allowed or denied:
        return "allowed" if allowed else "denied"
    return answer.partition(b'"error":"')[2].partition(b":")[0].decode() or "nothing"


def run(seconds: float) -> Soak:
    """Run for that long and return what was seen."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _certificate(folder)
        port = free_port()
        holder = ExitStack()
        host = holder.enter_context(registry(folder, port))
        shared = stack.enter_context(_redis(folder))
        flags = ("--verdict-lifetime", "10s", *(shared.flags if shared else ()))
        soak = Soak(folder, stack.enter_context(provider(folder, *flags)), host)
        stack.callback(holder.close)
        threads = [threading.Thread(target=soak.ask) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        try:
            _turns(soak, seconds, _steps(soak, holder, port, shared))
        finally:
            soak.stopping.set()
            for thread in threads:
                thread.join()
        return soak


def _turns(
    soak: Soak, seconds: float, steps: "dict[str, tuple[Callable[[], None], Callable[[], None]]]"
) -> None:
    """Let one thing after another fail, each for a while, until the time is over."""
    start, turn = time.monotonic(), min(_TURN, seconds / len(steps))
    end = start + seconds
    for number, name in enumerate(itertools.cycle(steps)):
        if time.monotonic() >= end and number >= len(steps):  # everything failed at least once
            return
        begin, over = steps[name]
        soak.current = name
        begin()
        until = time.monotonic() + turn
        while time.monotonic() < until:
            time.sleep(min(1.0, turn / 2))
            memory = resident(soak.server.pid)
            soak.phases.setdefault(name, Phase()).memory.append(memory)
            soak.samples.append((time.monotonic() - start, memory))
        over()


def _steps(
    soak: Soak, holder: ExitStack, port: int, shared: "_Redis | None"
) -> "dict[str, tuple[Callable[[], None], Callable[[], None]]]":
    def faults(query: str) -> "tuple[Callable[[], None], Callable[[], None]]":
        calm = "latency=0&share=0&truncate=0"
        return lambda: _control(soak.host, query), lambda: _control(soak.host, calm)

    def restart() -> None:
        holder.close()
        time.sleep(1)
        holder.enter_context(registry(soak.folder, port))

    sizes = itertools.count(1 << 26, -1)

    def exchange() -> None:
        # Another configuration every time, whose cache may hold as much as the one before.
        found = configuration(soak.folder, cache={"memoryBytes": next(sizes)})
        (soak.folder / "config.json").write_text(json.dumps(found))

    def nothing() -> None:
        pass

    found = {
        "nothing": (nothing, nothing),
        "latency of 200 ms": faults("latency=0.2"),
        "429 for a third": faults("status=429&share=0.3"),
        "503 for a third": faults("status=503&share=0.3"),
        "a tenth is truncated": faults("truncate=0.1"),
        "registry is started again": (restart, nothing),
        "certificate is exchanged": (lambda: _certificate(soak.folder), nothing),
        "configuration is exchanged": (exchange, nothing),
    }
    if shared is not None:
        found["Redis is killed"] = (shared.kill, shared.start)
    return found


def _control(host: str, query: str) -> None:
    connection = HTTPConnection(host, timeout=10)
    with contextlib.suppress(OSError):
        connection.request("GET", f"/control?{query}")
        connection.getresponse().read()
    connection.close()


def _certificate(folder: Path) -> None:
    (folder / "tls.pem").write_bytes(Authority().issue("provider", "127.0.0.1"))


@dataclass
class _Redis:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def flags(self) -> tuple[str, ...]:
        (self.folder / "secret").write_text(secrets.token_hex(32))
        return (
            "--shared-cache",
            f"redis://127.0.0.1:{self.port}/0",
            "--shared-cache-key-file",
            str(self.folder / "secret"),
        )

    def start(self) -> None:
        command = (
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        )
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def _redis(folder: Path) -> "Iterator[_Redis | None]":
    if shutil.which("redis-server") is None:
        yield None
        return
    found = _Redis(folder, free_port())
    found.start()
    try:
        yield found
    finally:
        found.kill()


def slope(soak: Soak) -> float:
    """Return by how many MiB memory grew in ten minutes once caches were full: the slope of the line of least squares."""
    times, memory = zip(*(each for each in soak.samples if each[0] >= _WARM), strict=True)
    return statistics.linear_regression(times, memory).slope * 600


def report(soak: Soak) -> str:
    """Return the table."""
    head = (
        "while it fails",
        "answers",
        "p50",
        "p99",
        "slowest",
        "allowed",
        "denied",
        "others",
        "wrong",
        "MiB, most",
    )
    rows = []
    for name, phase in soak.phases.items():
        times = sorted(phase.seconds) or [0.0]
        others = ", ".join(
            f"{count} {kind}"
            for kind, count in phase.kinds.most_common()
            if kind not in ("allowed", "denied")
        )
        marks = (times[len(times) // 2], times[int(len(times) * 0.99)], times[-1])
        shown = (f"{mark * 1000:.0f} ms" for mark in marks)
        counts = (str(phase.kinds["allowed"]), str(phase.kinds["denied"]), others, str(phase.wrong))
        rows.append((name, str(len(phase.seconds)), *shown, *counts, f"{max(phase.memory, default=0):.0f}"))
    return table("Soak", head, rows)


def faults(soak: Soak) -> list[str]:
    """Return what must not be, in words."""
    most = max(value for phase in soak.phases.values() for value in phase.memory)
    found = {
        "an image was wrongly allowed or denied": any(phase.wrong for phase in soak.phases.values()),
        f"an answer came after {_LATEST:g} seconds": any(
            max(phase.seconds, default=0) > _LATEST for phase in soak.phases.values()
        ),
        f"{most:.0f} MiB were resident, more than {_MOST_MEMORY:g}": most > _MOST_MEMORY,
    }
    return [text for text, holds in found.items() if holds]


def main() -> int:
    """Run, print the table, and return 1 where something is as it must not be."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    soak = run(seconds)
    wrong = faults(soak)
    print(report(soak))
    print(f"\n{sum(len(phase.seconds) for phase in soak.phases.values())} answers in {seconds:g} s;", end=" ")
    grown = f"{slope(soak):+.1f} MiB in ten minutes" if seconds >= _TELLING else "too short to tell a slope"
    print(f"memory: {grown} (aim: under {_MOST_SLOPE:g} MiB in ten minutes of an hour)")
    for text in wrong:
        print(f"WRONG: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
