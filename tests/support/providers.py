"""Gatekeeper's provider over a store in memory, for the tests of entry points and attacks."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pyratify.caches.verdicts import Verdicts
from pyratify.config.exemption import Exemption
from pyratify.config.schema import NodeConfig
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Store
from pyratify.entrypoints.gatekeeper.gatekeeper_routes import provider_site
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.request_keys import Namespaces
from pyratify.serving.configuration_source import Snapshot
from pyratify.serving.http.server import Request
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import ONE

VERIFY, MUTATE = "/ratify/gatekeeper/v2/verify", "/ratify/gatekeeper/v2/mutate"


@dataclass
class BellClock(FakeClock):
    """A clock on which who sleeps is woken by the test alone."""

    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Wait for the bell."""
        self.slept.append(seconds)
        await self.bell.wait()


@dataclass
class Held:
    """One configuration that is always there."""

    engine: Engine
    types: Mapping[str, str] = field(default_factory=lambda: {"fake": "notation"})
    node: NodeConfig = field(default_factory=NodeConfig)
    exemptions: tuple[Exemption, ...] = ()

    @asynccontextmanager
    async def used(self) -> AsyncIterator["Held"]:
        """Nothing has to be kept open."""
        yield self


@dataclass
class Here:
    """Where the configuration comes from; None when there is none."""

    current: Snapshot | None

    def acquire(self, namespace: str) -> Snapshot | None:
        """Every namespace has the same."""
        return self.current


def signed() -> MemoryStore:
    """Return a store with an image that has evidence."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    return store


def provider(
    store: Store | None,
    *verifiers: FakeVerifier,
    scope: str = "*",
    namespaces: str = "optional",
    clock: FakeClock | None = None,
    policy: PolicyEnforcer = ONE,
) -> Provider:
    """Return a provider over a store; without one it has no configuration."""
    clock = clock or BellClock()
    held = None
    if store is not None:
        executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=policy)
        held = Held(Engine(ScopeMap([(scope, executor)]), "one"))
    settings = Settings(namespaces=Namespaces(namespaces))
    return Provider(Here(held), Verdicts(clock), settings, clock)


def request(*keys: Any, **changes: Any) -> bytes:
    """Return the body of a request."""
    body = {
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderRequest",
        "request": {"keys": list(keys)},
    }
    return json.dumps({**body, **changes}).encode()


async def posted(one: Provider, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the document that a body is answered with."""
    reply = await provider_site(one).routes["POST", path](Request(body=body))
    document: dict[str, Any] = json.loads(reply.body)
    return reply.status, document


async def items(one: Provider, *keys: str, path: str = VERIFY) -> list[dict[str, Any]]:
    """Return the items that keys are answered with."""
    status, document = await posted(one, path, request(*keys))
    assert status == 200
    found: list[dict[str, Any]] = document["response"]["items"]
    return found
