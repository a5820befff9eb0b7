"""A configuration that is followed."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyratify.config import watch_configuration
from pyratify.config.load import LoadedConfig, load_config
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.engine import Engine
from pyratify.core.reason import Reason
from pyratify.testing.fakes import FakeClock
from support.key_services import KeyService, rotating_keys

KEY = (Path(__file__).resolve().parents[2] / "examples" / "material" / "keys" / "cosign.pub").read_text()
OTHER = (Path(__file__).resolve().parents[2] / "examples" / "material" / "keys" / "other.pub").read_text()


def write(path: Path, scope: str = "example.com", keys: Mapping[str, Any] | None = None) -> None:
    """Write a configuration whose key stands beside it, or comes from another source."""
    (path.parent / "cosign.pub").write_text(KEY)
    parameters = {"trustPolicies": [{"ignoreTLog": True, "keys": keys or {"files": ["cosign.pub"]}}]}
    verifier = {"name": "c", "type": "cosign", "parameters": parameters}
    path.write_text(json.dumps({"executors": [{"scopes": [scope], "verifiers": [verifier]}]}))


async def watching_keys(
    path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[KeyService, FakeClock, WatchedConfig]:
    """Return a service of keys, a clock, and a configuration in use that names the service."""
    service = KeyService({"1": KEY.encode()})
    service.install(monkeypatch)
    write(path, keys=rotating_keys(**options))
    clock = FakeClock()
    watched = WatchedConfig(path, clock)
    assert await watched.refresh()
    return service, clock, watched


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The configuration file."""
    return tmp_path / "config.json"


async def test_the_engine_in_use_forgets_credentials(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is one, nothing is forgotten."""
    swept: list[Engine] = []

    def sweep(engine: Engine) -> None:
        swept.append(engine)

    monkeypatch.setattr(Engine, "sweep", sweep)
    write(path)
    watched = WatchedConfig(path, FakeClock())
    watched.sweep()
    await watched.refresh()
    watched.sweep()
    assert watched.current is not None
    assert swept == [watched.current.engine]


async def test_a_file_that_changes_is_a_new_generation(path: Path) -> None:
    """One that does not is none; the verifiers' types are known."""
    write(path)
    watched = WatchedConfig(path, FakeClock())
    assert await watched.refresh()
    assert not await watched.refresh()
    first = watched.current
    assert first is not None
    assert first.types == {"c": "cosign"}
    write(path, "other.example")
    assert await watched.refresh()
    assert watched.current is not None
    assert watched.current.engine.generation != first.engine.generation
    assert list(watched.current.engine.executors) == ["other.example"]
    await watched.aclose()


async def test_a_file_is_parsed_beside_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of YAML would delay every request of a server."""
    write(path)
    threads = []

    def load(file: Path) -> LoadedConfig:
        threads.append(threading.current_thread())
        return load_config(file)

    monkeypatch.setattr(watch_configuration, "load_config", load)
    watched = WatchedConfig(path, FakeClock())
    assert await watched.refresh()
    assert threading.current_thread() not in threads
    assert len(threads) == 1
    await watched.aclose()


async def test_a_key_beside_it_that_changes_is_a_new_generation(path: Path) -> None:
    """Keys and certificates in its folder belong to it."""
    write(path)
    watched = WatchedConfig(path, FakeClock())
    await watched.refresh()
    (path.parent / "cosign.pub").write_text(KEY + "\n")
    assert await watched.refresh()
    await watched.aclose()


@pytest.mark.parametrize("change", ["removed", "added", "other", "gone"])
@pytest.mark.parametrize("where", ["below", "elsewhere"])
async def test_keys_that_it_names_are_followed_wherever_they_are(
    where: str, change: str, path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One that is not trusted any more must not decide until the configuration happens to change."""
    folder = path.parent / "keys" if where == "below" else tmp_path_factory.mktemp("mount")
    (folder / "team").mkdir(parents=True)
    (folder / "a").write_text(KEY)
    (folder / "team" / "b.pub").write_text(KEY)
    write(path)
    named = "keys" if where == "below" else str(folder)
    path.write_text(path.read_text().replace('"cosign.pub"', json.dumps(named)))  # noqa: ASYNC240
    watched = WatchedConfig(path, FakeClock())
    assert await watched.refresh()
    assert not await watched.refresh()
    if change == "removed":
        (folder / "team" / "b.pub").unlink()
    elif change == "gone":
        (folder / "a").unlink()
        (folder / "team" / "b.pub").unlink()
    else:
        (folder / ("a" if change == "other" else "c")).write_text(KEY + "\n")
    assert await watched.refresh() is (change != "gone")
    assert (watched.fault is not None) is (change == "gone")
    await watched.aclose()


async def test_a_generation_in_use_is_not_closed(path: Path) -> None:
    """Its stores are closed when the last user has gone, and not before."""
    write(path)
    watched = WatchedConfig(path, FakeClock())
    await watched.refresh()
    first = watched.current
    assert first is not None
    async with first.used():
        write(path, "other.example")
        await watched.refresh()
        assert not first.engine.lifetime.closed
    assert first.engine.lifetime.closed
    await watched.aclose()


async def test_a_fault_is_reported_at_once_without_a_generation_and_after_a_while_with_one(
    path: Path,
) -> None:
    """A wrong file is put up with for the time of grace."""
    clock = FakeClock()
    watched = WatchedConfig(path, clock)
    assert "no configuration" in watched.unready_reason()
    await watched.refresh()
    assert "cannot be read" in watched.unready_reason()
    write(path)
    await watched.refresh()
    assert watched.unready_reason() == ""
    path.unlink()  # noqa: ASYNC240 - a file of this test
    for _ in range(2):
        await watched.refresh()
        assert watched.unready_reason(60) == ""
        clock.advance(30)
    assert "older than its file" in watched.unready_reason(60)
    await watched.aclose()


async def test_a_file_that_is_back_as_it_was_is_no_trouble(path: Path) -> None:
    """It is what has been in use all the time, and nothing has to be built."""
    clock = FakeClock()
    watched = WatchedConfig(path, clock)
    write(path)
    await watched.refresh()
    first, aside = watched.current, path.with_name("aside")
    path.rename(aside)  # noqa: ASYNC240 - a file of this test
    await watched.refresh()
    assert watched.gauges()["ratify_configuration_wrong"]() == 1
    aside.rename(path)
    assert not await watched.refresh()
    clock.advance(3600)
    assert watched.unready_reason() == ""
    assert watched.gauges()["ratify_configuration_wrong"]() == 0
    assert watched.current is first
    await watched.aclose()


async def test_a_defect_does_not_end_the_following(path: Path) -> None:
    """What is raised unexpectedly is a fault of this file, told without its text, and the next one is read."""

    def instrument(engine: Engine) -> Engine:
        raise RuntimeError("hunter2")

    write(path)
    watched = WatchedConfig(path, FakeClock(), instrument=instrument)
    assert not await watched.refresh()
    assert watched.unready_reason().endswith("unexpected RuntimeError")
    watched.instrument = None
    assert await watched.refresh()
    await watched.aclose()


async def test_keys_of_a_service_that_change_are_a_new_generation(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any change of a file; while the service is down, the last keys stay and their age is a metric."""
    service, clock, watched = await watching_keys(path, monkeypatch, refreshInterval=30)
    service.down = True
    clock.advance(300)
    assert not await watched.refresh()
    assert watched.fault is None
    assert watched.gauges()["ratify_keys_age_seconds"]() == 300
    service.down, service.versions = False, {"1": KEY.encode(), "2": OTHER.encode()}
    clock.advance(30)
    assert await watched.refresh()
    assert watched.gauges()["ratify_keys_age_seconds"]() == 0
    assert not await watched.refresh()
    await watched.aclose()


async def test_a_key_that_its_service_disabled_makes_the_configuration_wrong(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a key file that was deleted: the last generation serves, the fault stays and soon nothing should be asked here."""
    service, clock, watched = await watching_keys(path, monkeypatch, refreshInterval=30)
    service.disabled = True
    clock.advance(30)
    assert not await watched.refresh()
    assert not await watched.refresh()
    assert watched.fault is not None
    assert watched.fault.reason is Reason.KEY_UNAVAILABLE
    clock.advance(60)
    assert "the key is disabled" in watched.unready_reason()
    service.disabled = False
    await watched.refresh()
    assert watched.fault is None
    await watched.aclose()


async def test_new_keys_that_could_not_be_taken_are_not_forgotten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another service was down in that moment: the fault stays, and seconds later they are in use."""
    service, clock, watched = await watching_keys(path, monkeypatch, refreshInterval=3600)

    def fail(engine: Engine) -> Engine:
        raise RuntimeError

    service.versions, watched.instrument = {"2": OTHER.encode()}, fail
    clock.advance(3600)
    assert not await watched.refresh()
    watched.instrument = None
    clock.advance(2)
    assert not await watched.refresh()
    assert watched.fault is not None
    clock.advance(13)
    assert await watched.refresh()
    assert watched.fault is None
    await watched.aclose()
