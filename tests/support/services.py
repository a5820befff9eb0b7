"""The service over a store in memory, or as a process, for the tests of entry points and attacks."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.service.access import Callers
from pyratify.entrypoints.service.service_routes import Entrance, service_site
from pyratify.entrypoints.service.verification_service import Service
from pyratify.serving.http.server import Reply, Request
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, Held, Here
from support.scenes import ONE

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
JSON = {"Content-Type": "application/json", "Host": "localhost"}


def service(
    store: MemoryStore | None, *verifiers: FakeVerifier, scope: str = "*", clock: FakeClock | None = None
) -> Service:
    """Return a service over a store; without one it has no configuration."""
    clock = clock or BellClock()
    held = None
    if store is not None:
        executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
        held = Held(Engine(ScopeMap([(scope, executor)]), "one"))
    return Service(Here(held), Verdicts(clock), clock=clock)


async def sent(
    one: Service,
    path: str,
    body: Any = None,
    *,
    callers: Callers | None = None,
    headers: Mapping[str, str] = JSON,
    most: int = 64,
) -> Reply:
    """Return what a request is answered; with a body it is a POST, and what is no bytes becomes JSON."""
    site = service_site(one, Entrance(callers=callers or Callers(), most=most))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    folder, _, name = path.rpartition("/")
    route = ("GET" if body is None else "POST", path)
    if route in site.routes:
        return await site.routes[route](Request(body=data, headers=headers))
    return await site.named[route[0], f"{folder}/"](Request(body=data, headers=headers, name=name))


async def asked(one: Service, path: str, body: Any = None, **rest: Any) -> tuple[int, dict[str, Any]]:
    """Return the status and the document that a request is answered with."""
    reply = await sent(one, path, body, **rest)
    document: dict[str, Any] = json.loads(reply.body)
    return reply.status, document


async def answers(one: Service, *references: str, path: str = "/v1/verify") -> list[dict[str, Any]]:
    """Return the answers for references."""
    status, document = await asked(one, path, {"references": list(references)})
    assert status == 200
    found: list[dict[str, Any]] = document["answers"]
    return found


def configuration(folder: Path) -> Path:
    """Write a configuration that trusts the signers of the material, with cosign or notation."""
    policy: dict[str, Any] = {
        "ignoreTLog": True,
        "keys": {"files": [str(MATERIAL / "keys" / "cosign.pub")]},
    }
    cosign = {"name": "cosign-1", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    notation = {
        "name": "notation-1",
        "type": "notation",
        "parameters": {
            "scopes": ["*"],
            "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Pyratify Test"],
            "certificates": [{"type": "ca", "files": [str(MATERIAL / "certs" / "ca.pem")]}],
        },
    }
    rules = [{"verifierName": "cosign-1"}, {"verifierName": "notation-1"}]
    executor = {
        "scopes": ["*"],
        "verifiers": [cosign, notation],
        "stores": [{"type": "registry-store", "parameters": {"allowCosignTag": True}}],
        "policyEnforcer": {
            "type": "threshold-policy",
            "parameters": {"policy": {"rules": rules, "threshold": 1}},
        },
    }
    path = folder / "config.json"
    path.write_text(json.dumps({"executors": [executor]}))
    return path


@dataclass
class Running:
    """A service that runs as a process.

    Attributes:
        url: Where it is.
        log: What it has logged, a line each.
    """

    url: str = ""
    log: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def logged(self, text: str, times: int = 1) -> str:
        """Return a line of the log that has this text, as soon as there are so many."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: sum(text in line for line in self.log) >= times)
        return [line for line in self.log if text in line][times - 1]

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Take over the log until its end."""
        async for line in stream:
            async with self._news:
                self.log.append(line.decode())
                self._news.notify_all()


@asynccontextmanager
async def running(folder: Path, *arguments: object) -> AsyncIterator[Running]:
    """Run `ratify service serve` on loopback with a home of its own, and end it.

    Args:
        folder: Its home and working folder.
        arguments: More arguments.
    """
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--drain", "1ms")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyratify", "service", "serve", *fixed, *map(str, arguments),
        cwd=folder, stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": str(folder)}, start_new_session=True,
    )  # fmt: skip
    one = Running()
    assert process.stderr is not None
    reading = asyncio.create_task(one.read(process.stderr))
    try:
        line = json.loads(await one.logged('"serving"'))
        one.url = f"{'https' if line['tls'] else 'http'}://{line['address']}"
        yield one
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0, one.log[-3:]
        await reading
