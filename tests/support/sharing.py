"""Shared verdicts for tests: something remote in memory, and a real Redis of the test's own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyratify.caches.shared_secret import SharedSecret
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.scope import ScopeMap
from pyratify.core.shared_verdicts import VerdictKey
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.ports import free_port
from support.scenes import ONE

SECRET = SharedSecret.of(b"test-only secret of shared verdicts")
OTHER = SharedSecret.of(b"another test-only secret of another deployment")
REDIS = shutil.which("redis-server")
DIGEST = Digest.of(b"image")
PINNED = Reference.parse("example.com/app").at(DIGEST)


def question(generation: str = "one", namespace: str = "", reference: Reference = PINNED) -> VerdictKey:
    """Return a question."""
    return VerdictKey(generation, namespace, reference)


def verdict(decision: Decision = Decision.ALLOW, reference: Reference = PINNED) -> ValidationResult:
    """Return a verdict with one report in it."""
    digest = reference.digest or DIGEST
    passed = VerifierResult("fake", Outcome.PASSED, Details("good", ("alice",), {"n": [1, None, "x"]}))
    artifact = Descriptor("application/test", Digest.of(b"signature"), 9, annotations={"a": "b"})
    report = ArtifactReport(reference, artifact, Discovery.REFERRERS_API, (passed,))
    subject = Descriptor("application/vnd.oci.image.manifest.v1+json", digest, 5)
    return ValidationResult(reference, subject, decision, artifacts=(report,))


def engine(
    store: MemoryStore, *verifiers: FakeVerifier, generation: str = "one", common: bool = True
) -> Engine:
    """Return an engine whose generation other processes have too."""
    executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
    return Engine(ScopeMap([("example.com", executor)]), generation, common)


@dataclass
class MemoryRemote:
    """A remote that any client can write, and that fails with `fault`."""

    entries: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: Exception | None = None
    closed: bool = False

    async def get(self, name: str, most: int) -> bytes | None:
        """Return what is there."""
        self.asked.append(name)
        if self.fault is not None:
            raise self.fault
        found = self.entries.get(name)
        return None if found is None else found[:most]

    async def put(self, name: str, data: bytes, seconds: float) -> None:
        """Keep it."""
        if self.fault is not None:
            raise self.fault
        self.entries[name] = data

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True


@dataclass
class RedisServer:
    """A Redis of the test's own on loopback."""

    folder: Path
    port: int
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [
            str(REDIS), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
            "--dir", str(self.folder), *self.arguments,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, "redis-server ended"
            time.sleep(0.02)
        raise AssertionError("redis-server does not listen")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it at once, also where it is stopped."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def running_redis(folder: Path, *arguments: str, port: int = 0) -> Iterator[RedisServer]:
    """Run a Redis while the context is open."""
    if REDIS is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(folder, port or free_port(), arguments)
    server.start()
    try:
        yield server
    finally:
        server.kill()
