"""`pyratify.sync`: the same engine for programs without an event loop."""

import asyncio
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pyratify
from pyratify import sync
from pyratify.testing.fakes import FakeClock

MATERIAL = Path(__file__).resolve().parents[1] / "examples" / "material"
GOOD = "registry.example.com/app:cosign-v3"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration over the signed material."""
    key = (MATERIAL / "keys" / "cosign.pub").read_text()
    verifier = {
        "name": "cosign",
        "type": "cosign",
        "parameters": {"trustPolicies": [{"keys": {"inline": {"keys": key}}}]},
    }
    layout = {
        "type": "filesystem-oci-store",
        "parameters": {"path": str(MATERIAL / "layout"), "allowBareTags": True},
    }
    executor = {"scopes": ["registry.example.com"], "verifiers": [verifier], "stores": [layout]}
    path = tmp_path / "ratify.json"
    path.write_text(json.dumps({"executors": [executor]}))
    return path


def test_it_verifies_discovers_and_resolves(config: Path) -> None:
    """With text or references, and no event loop."""
    with sync.open_engine(config, clock=FakeClock(), cache=pyratify.MemoryCache(1024)) as engine:
        assert engine.validate(GOOD).succeeded
        assert not engine.validate(pyratify.Reference.parse("registry.example.com/app:unsigned")).succeeded
        found = engine.discover(GOOD)
        assert (len(found.artifacts), found.decision) == (1, pyratify.Decision.NONE)
        assert engine.resolve(GOOD) == found.subject
        with pytest.raises(pyratify.InvalidReference):
            engine.validate("BAD//x")
        with pytest.raises(pyratify.StoreError):
            engine.resolve("registry.example.com/app:none")


def test_a_closed_engine_refuses_without_a_warning(config: Path) -> None:
    """No coroutine is left that was never awaited."""
    with sync.open_engine(config) as engine:
        pass
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for ask in (engine.validate, engine.discover, engine.resolve):
            with pytest.raises(RuntimeError, match="closed"):
                ask(GOOD)
    assert caught == []


async def test_a_closed_async_engine_refuses(config: Path) -> None:
    """After the block that opened it."""
    async with pyratify.open_engine(config) as engine:
        assert (await engine.validate(GOOD)).succeeded
    with pytest.raises(RuntimeError, match="closed"):
        await engine.validate(GOOD)


def test_inside_a_running_loop_it_says_what_to_use(config: Path) -> None:
    """In an async function or a notebook; also for an engine that was opened before."""

    async def opened() -> None:
        with sync.open_engine(config):
            pass

    async def asked() -> None:
        engine.validate(GOOD)

    with sync.open_engine(config) as engine, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for inside in (opened, asked):
            with pytest.raises(RuntimeError, match=r"async with pyratify\.open_engine"):
                asyncio.run(inside())
        assert engine.validate(GOOD).succeeded
    assert caught == []


def test_threads_are_served_one_after_another(config: Path) -> None:
    """One event loop, and no thread meets it while it runs for another."""
    with sync.open_engine(config) as engine, ThreadPoolExecutor(4) as threads:
        assert all(result.succeeded for result in threads.map(engine.validate, [GOOD] * 8))
