"""Attacks on a configuration that is read again: half written, gone, wrong, or remembered too long."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.gatekeeper.provider import Provider
from pyratify.testing.fakes import FakeClock, FakeVerifier
from support.providers import BellClock, items, signed

KEY = (Path(__file__).resolve().parents[2] / "examples" / "material" / "keys" / "cosign.pub").read_text()


def document(scope: str = "example.com") -> str:
    """Return a configuration for a scope."""
    parameters = {"trustPolicies": [{"ignoreTLog": True, "keys": {"inline": {"keys": KEY}}}]}
    verifier = {"name": "fake", "type": "cosign", "parameters": parameters}
    return json.dumps({"executors": [{"scopes": [scope], "verifiers": [verifier]}]})


def truncated(path: Path) -> None:
    """Write half of it."""
    path.write_text(document("other.example")[:80])


def emptied(path: Path) -> None:
    """Write nothing."""
    path.write_text("")


def deleted(path: Path) -> None:
    """Take it away."""
    path.unlink()


def dangling(path: Path) -> None:
    """Let it be a link to nowhere."""
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def without_executors(path: Path) -> None:
    """Write one that would cover nothing."""
    path.write_text('{"executors": []}')


@pytest.mark.parametrize("change", [truncated, emptied, deleted, dangling, without_executors])
async def test_atk_241_a_bad_file_changes_nothing_and_is_reported(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """The last good generation stays whole, the fault is reported after a while, and the next good file is used."""
    path, clock = tmp_path / "config.json", FakeClock()
    path.write_text(document())
    watched = WatchedConfig(path, clock)
    await watched.refresh()
    good = watched.current
    change(path)
    assert not await watched.refresh()
    assert watched.current is good
    clock.advance(60)
    assert watched.unready_reason(60)
    fresh = tmp_path / "fresh.json"
    fresh.write_text(document("other.example"))
    fresh.rename(path)
    assert await watched.refresh()
    assert watched.current is not None
    assert (list(watched.current.engine.executors), watched.unready_reason()) == (["other.example"], "")
    await watched.aclose()


async def test_atk_242_a_new_configuration_forgets_the_verdicts_of_the_old_one(tmp_path: Path) -> None:
    """An allow that was remembered does not outlive the policy that gave it."""
    path, store, clock = tmp_path / "config.json", signed(), BellClock()
    path.write_text(document())
    watched = WatchedConfig(path, clock)
    await watched.refresh()
    one = Provider(watched, Verdicts(clock, Lifetimes(allowed=3600)), clock=clock)

    def over(verifier: FakeVerifier) -> None:
        generation = watched.current
        assert generation is not None
        (configured,) = generation.engine.executors.values()
        executor = Executor(store=store, verifiers=(verifier,), policy=configured.policy)
        engine = type(generation.engine)(ScopeMap([("*", executor)]), generation.engine.generation)
        generation.engine = engine

    over(FakeVerifier())
    for _ in range(2):
        (item,) = await items(one, "example.com/app:v1")
        assert item["value"]["succeeded"] is True
    path.write_text(document("*"))
    await watched.refresh()
    over(FakeVerifier("stricter"))
    (item,) = await items(one, "example.com/app:v1")
    assert item["value"]["succeeded"] is False
    await watched.aclose()
