"""What the tests of a cluster's configuration have in common."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.kubernetes.executors.controller import ClusterConfig
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock

API = "config.ratify.sh/v2alpha1"
KEY = (Path(__file__).resolve().parents[2] / "examples" / "material" / "keys" / "cosign.pub").read_text()


class SlowClock(FakeClock):
    """A clock that only tests advance, and that lets other tasks run during a sleep."""

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass, a little later."""
        await asyncio.sleep(0.005)
        await super().sleep(seconds)


def spec(*scopes: str, name: str = "cosign", **more: Any) -> dict[str, Any]:
    """Return a specification with a key that stands in it."""
    policy = {"ignoreTLog": True, "keys": {"inline": {"keys": KEY}}}
    verifier = {"name": name, "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    stores = [{"type": "registry-store", "parameters": {"allowCosignTag": True}}]
    return {"scopes": list(scopes), "verifiers": [verifier], "stores": stores, **more}


def invalid(*scopes: str) -> dict[str, Any]:
    """Return a specification with a store that there is not."""
    return spec(*scopes) | {"stores": [{"type": "invalid-store-type", "parameters": {}}]}


def put(
    server: ApiServer, name: str, wanted: Any, namespace: str = "", created: str = "2026-01-01T00:00:00Z"
) -> dict[str, Any]:
    """Create or replace an Executor, or a NamespacedExecutor where a namespace is given."""
    meta = {"name": name, "creationTimestamp": created} | ({"namespace": namespace} if namespace else {})
    kind = "NamespacedExecutor" if namespace else "Executor"
    return server.put(
        API, plural(namespace), {"apiVersion": API, "kind": kind, "metadata": meta, "spec": wanted}
    )


def remove(server: ApiServer, name: str, namespace: str = "") -> None:
    """Delete an Executor, or a NamespacedExecutor where a namespace is given."""
    server.remove(API, plural(namespace), name, namespace)


def status(server: ApiServer, name: str, namespace: str = "") -> dict[str, Any]:
    """Return a resource's status; empty where there is none."""
    found: dict[str, Any] = server.get(API, plural(namespace), name, namespace).get("status") or {}
    return found


def plural(namespace: str) -> str:
    """Return the kind's plural."""
    return "namespacedexecutors" if namespace else "executors"


def deciders(config: ClusterConfig, namespace: str = "") -> dict[str, str]:
    """Return the name of the first verifier of every scope; `none` where it is denied."""
    snapshot = config.acquire(namespace)
    if snapshot is None:
        return {}
    executors = snapshot.engine.executors
    pairs = zip(executors, executors.values(), strict=True)
    return {scope: executor.verifiers[0].name for scope, executor in pairs}


async def ask(config: ClusterConfig, reference: str, namespace: str = "") -> ValidationResult:
    """Ask for a verdict."""
    snapshot = config.acquire(namespace)
    assert snapshot is not None
    async with snapshot.used():
        return await snapshot.engine.validate(Reference.parse(reference))


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.01)
