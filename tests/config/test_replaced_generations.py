"""What is left of configurations that have been replaced, without any collection of garbage."""

import asyncio
import contextlib
import gc
import json
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType

import pytest

from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.caching import MemoryCache
from pyratify.core.report import Decision
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.registry_faults import Fault

EXCHANGES = 6
KEY, STRANGER = CosignKey.generate(), CosignKey.generate()


def write(path: Path, number: int) -> None:
    """Write a configuration that differs from every other one."""
    policy = {"ignoreTLog": True, "keys": {"files": ["cosign.pub"]}}
    executor = {
        "scopes": ["*"],
        "verifiers": [{"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}],
        "stores": [{"type": "registry-store", "parameters": {"plainHttp": True, "allowCosignTag": True}}],
    }
    path.write_text(json.dumps({"executors": [executor], "cache": {"memoryBytes": 1 << 20 | number}}))


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with images whose verification ends in different ways."""
    with RegistrySimulator() as found:
        for name, key in (("signed", KEY), ("foreign", STRANGER), ("unsigned", None), ("broken", KEY)):
            store = found.repository(name)
            image = store.add_image("v1", name.encode())
            for one in 3 * [key] if key is not None else ():
                attach_classic(store, image, sign_classic(one, simple_signing(image.digest)))
        found.fault(Fault(path="/v2/broken/blobs/", status=500))
        yield found


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[WatchedConfig]:
    """A configuration that is followed while the collector does nothing."""
    (tmp_path / "cosign.pub").write_bytes(KEY.pem)
    found = WatchedConfig(tmp_path / "config.json", FakeClock())
    gc.collect()
    gc.disable()
    yield found
    gc.enable()
    await found.aclose()


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("signed", Decision.ALLOW),
        ("foreign", Decision.DENY),
        ("unsigned", Decision.DENY),
        ("broken", Decision.DENY),
        ("missing", Decision.DENY),
    ],
)
async def test_a_replaced_configuration_is_freed_at_once(
    name: str, decision: Decision, watched: WatchedConfig, registry: RegistrySimulator
) -> None:
    """Servers freeze what is old, so that a cycle would hold its stores, keys and documents for minutes."""
    parts: list[weakref.ref[object]] = []
    for number in range(EXCHANGES):
        write(watched.path, number)
        assert await watched.refresh(), watched.fault
        parts.extend(await ask(watched, registry, name, decision))
    alive = [type(part()).__name__ for part in parts if part() is not None]
    assert alive == ["Executor", "RegistryStore", "MemoryCache", "CosignVerifier"]  # of the one in use


async def ask(
    watched: WatchedConfig, registry: RegistrySimulator, name: str, decision: Decision
) -> "list[weakref.ref[object]]":
    """Validate, and return the parts that did it."""
    assert watched.current is not None
    engine = watched.current.engine
    result = await engine.validate(registry.reference(name))
    assert result.decision is decision
    await asyncio.sleep(0)  # what was cancelled ends
    (executor,) = engine.executors.values()
    return [weakref.ref(part) for part in (executor, executor.store, executor.cache, *executor.verifiers)]


@pytest.mark.parametrize("where", ["unsigned/referrers/", "signed/manifests/", "signed/blobs/"])
async def test_a_validation_that_is_cut_off_leaves_nothing_behind(
    where: str, watched: WatchedConfig, registry: RegistrySimulator
) -> None:
    """At whatever it waits for: shared downloads, searches and groups of tasks refer to their own cancellation."""
    gate = threading.Event()
    registry.fault(Fault(path=f"/v2/{where}", wait=gate))
    parts: list[weakref.ref[object]] = []
    try:
        for number in range(EXCHANGES):
            write(watched.path, number)
            assert await watched.refresh(), watched.fault
            parts.extend(await cut_off(watched, registry, where))
        write(watched.path, EXCHANGES)
        await watched.refresh()
        for _ in range(100):  # turns of the loop, in which what was cancelled ends
            await asyncio.sleep(0)
        assert [type(part()).__name__ for part in parts if part() is not None] == []
    finally:
        gate.set()


async def cut_off(
    watched: WatchedConfig, registry: RegistrySimulator, where: str
) -> "list[weakref.ref[object]]":
    """Cancel a validation that waits for the registry, and return the parts of its engine."""
    assert watched.current is not None
    engine, seen = watched.current.engine, len(asked(registry, where))
    task = asyncio.create_task(engine.validate(registry.reference(where.partition("/")[0])))
    while len(asked(registry, where)) == seen:  # noqa: ASYNC110 - a registry in a thread has no event for this
        await asyncio.sleep(0.001)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    (executor,) = engine.executors.values()
    return [weakref.ref(part) for part in (executor, executor.store, executor.cache, *executor.verifiers)]


def asked(registry: RegistrySimulator, where: str) -> list[str]:
    """Return the requests to what does not answer."""
    return [hit.path for hit in registry.hits if f"/v2/{where}" in hit.path]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/referrers/", status=503),
        Fault(path="/manifests/sha256-", status=503),
        Fault(path="/manifests/", status=503),
        Fault(path="/blobs/", close=True),
        Fault(path="/blobs/", truncate=5),
        Fault(path="/v2/", status=503, nth=3),
    ],
    ids=["referrers", "tags", "manifests", "closed", "truncated", "later"],
)
async def test_failures_leave_no_tracebacks_behind(
    fault: Fault, watched: WatchedConfig, registry: RegistrySimulator
) -> None:
    """An error that is noted and never raised, because others were enough, would hold what it was raised in."""
    write(watched.path, 0)
    await watched.refresh()
    assert watched.current is not None
    engine = watched.current.engine
    registry.fault(fault)
    before = tracebacks()
    for _ in range(EXCHANGES):
        for name in ("signed", "foreign", "unsigned", "missing"):
            await engine.validate(registry.reference(name))
    for _ in range(100):
        await asyncio.sleep(0)
    assert tracebacks() == before


def tracebacks() -> int:
    """Return how many there are."""
    return sum(isinstance(each, TracebackType) for each in gc.get_objects())


async def test_a_cache_of_a_replaced_configuration_holds_no_documents(
    watched: WatchedConfig, registry: RegistrySimulator
) -> None:
    """Even where something still refers to it."""
    write(watched.path, 0)
    await watched.refresh()
    assert watched.current is not None
    (executor,) = watched.current.engine.executors.values()
    cache = executor.cache
    await executor.validate(registry.reference("signed"))
    assert isinstance(cache, MemoryCache)
    assert cache.size > 0
    write(watched.path, 1)
    await watched.refresh()
    assert cache.size == len(cache) == 0
