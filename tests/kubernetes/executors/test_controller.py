"""The configuration of a cluster, against an API server over HTTP."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.kubernetes.executors.controller import ClusterConfig, ControllerOptions
from pyratify.kubernetes.executors.reconciler import OnInvalid, Reconciler
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.apiserver import ApiServer
from support.clusters import API, SlowClock, ask, deciders, invalid, put, remove, spec, status, until

Open = Callable[..., ClusterConfig]
Follow = Callable[[ClusterConfig], AbstractAsyncContextManager[None]]


async def test_executors_are_in_service_and_say_so(server: ApiServer, config: ClusterConfig) -> None:
    """Two resources are one engine; each has its status."""
    put(server, "one", spec("a.example", name="first"))
    put(server, "two", spec("b.example/team/*", "c.example", name="second"))
    assert await config.refresh()
    assert deciders(config) == {"a.example": "first", "b.example/team/*": "second", "c.example": "second"}
    snapshot = config.acquire("")
    assert snapshot is not None
    assert snapshot.types == {"first": "cosign", "second": "cosign"}
    found = status(server, "one")
    assert (found["succeeded"], found["observedGeneration"], "error" in found) == (True, 1, False)
    (condition,) = found["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "True", "InService")
    assert config.unready_reason() == ""
    assert not await config.refresh()


@pytest.mark.parametrize(
    "scope", ["A.Example/prod", "a.example/prod:v1", f"a.example/prod@sha256:{'0' * 64}"]
)
async def test_a_scope_that_is_misspelled_is_not_left_to_a_wider_one(
    server: ApiServer, config: ClusterConfig, scope: str
) -> None:
    """Its scopes are denied, also after a restart, when no earlier specification is known."""
    put(server, "wide", spec("*", name="wide"))
    put(server, "strict", spec(scope, "no scope at all/", "*.:443", name="strict"))
    await config.refresh()
    assert deciders(config) == {"*": "wide", "a.example/prod": "none"}
    assert "would never match" in status(server, "strict")["error"]


async def test_one_bad_resource_poisons_nothing(server: ApiServer, config: ClusterConfig) -> None:
    """Its own scopes are denied, and not left to a wider one; the others are in service."""
    put(server, "good", spec("*", name="wide"))
    put(server, "bad", invalid("a.example/prod"))
    await config.refresh()
    assert deciders(config) == {"*": "wide", "a.example/prod": "none"}
    for reference in ("a.example/prod:v1", f"a.example/prod@sha256:{'0' * 64}"):
        result = await ask(config, reference)
        assert not result.succeeded
        assert result.failure is not None
        assert result.failure.reason is Reason.SCOPE_NO_MATCH
        assert "Executor bad" in result.failure.message
    found = status(server, "bad")
    assert found["succeeded"] is False
    assert found["error"].startswith(
        "spec.stores[0].type: no plugin of kind stores is called 'invalid-store-type'"
    )
    assert len(found["briefError"]) <= 100
    assert found["error"].startswith(found["briefError"][:90])
    (condition,) = found["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "CONFIG_INVALID")
    assert (
        condition["message"]
        == f"{found['error']}. Correct the name, or install the package that provides it."
    )
    assert status(server, "good")["succeeded"] is True


@pytest.mark.parametrize(
    ("on_invalid", "decides"), [(OnInvalid.KEEP, "cosign"), (OnInvalid.REMOVE, "none")], ids=str
)
async def test_an_invalid_update_shows_in_the_status(
    server: ApiServer, open_config: Open, on_invalid: OnInvalid, decides: str
) -> None:
    """The last valid specification stays in service, or not, as the rules say; until it is valid again."""
    config = open_config(options=ControllerOptions(on_invalid=on_invalid))
    put(server, "e", spec("a.example"))
    await config.refresh()
    put(server, "e", invalid("a.example", "b.example"))
    await config.refresh()
    assert deciders(config) == {"a.example": decides, "b.example": "none"}
    found = status(server, "e")
    assert (found["succeeded"], found["observedGeneration"]) == (False, 2)
    put(server, "e", spec("c.example"))
    assert await config.refresh()
    assert deciders(config) == {"c.example": "cosign"}
    found = status(server, "e")
    assert (found["succeeded"], found["observedGeneration"], "error" in found) == (True, 3, False)
    kinds = [(each["type"], each["reason"]) for each in server.list("events.k8s.io/v1", "events")]
    assert sorted(kinds) == [("Normal", "InService"), ("Normal", "InService"), ("Warning", "CONFIG_INVALID")]


async def test_after_a_restart_there_is_no_last_valid_one(server: ApiServer, open_config: Open) -> None:
    """What is invalid when the process starts is denied."""
    put(server, "e", spec("a.example"))
    await open_config().refresh()
    put(server, "e", invalid("a.example"))
    fresh = open_config()
    await fresh.refresh()
    assert deciders(fresh) == {"a.example": "none"}


@pytest.mark.parametrize("swapped", [False, True])
async def test_of_two_with_the_same_scope_the_older_one_decides(
    server: ApiServer, config: ClusterConfig, swapped: bool
) -> None:
    """Whatever comes first to our ears; the other one keeps the rest of its scopes, and says so."""
    names = {
        "new": ("2026-01-02T00:00:00Z", ("a.example", "b.example")),
        "old": ("2026-01-01T00:00:00Z", ("a.example",)),
    }
    for name in sorted(names, reverse=swapped):
        created, scopes = names[name]
        put(server, name, spec(*scopes, name=name), created=created)
        await config.refresh()
    assert deciders(config) == {"a.example": "old", "b.example": "new"}
    assert status(server, "old")["succeeded"] is True
    error = status(server, "new")["error"]
    assert error == "spec.scopes[0]: the scope 'a.example' belongs to Executor old, which is older"
    remove(server, "old")
    await config.refresh()
    assert deciders(config) == {"a.example": "new", "b.example": "new"}
    assert status(server, "new")["succeeded"] is True


async def test_of_two_of_the_same_age_the_name_decides(server: ApiServer, config: ClusterConfig) -> None:
    """Ages have seconds only."""
    for name in ("b", "a"):
        put(server, name, spec("a.example", name=name))
    await config.refresh()
    assert deciders(config) == {"a.example": "a"}


async def test_a_namespace_with_its_own_executor_uses_these_alone(
    server: ApiServer, config: ClusterConfig
) -> None:
    """Nothing of the cluster's is left there, whatever its scopes; others and the cluster do not change."""
    put(server, "all", spec("*", name="cluster"))
    put(server, "mine", spec("a.example", name="tenant"), "team")
    await config.refresh()
    assert deciders(config, "team") == {"a.example": "tenant"}
    assert deciders(config, "other") == deciders(config) == {"*": "cluster"}
    result = await ask(config, "b.example/x:v1", "team")
    assert result.failure is not None
    assert result.failure.reason is Reason.SCOPE_NO_MATCH
    remove(server, "mine", "team")
    await config.refresh()
    assert deciders(config, "team") == {"*": "cluster"}


async def test_engines_change_alone(server: ApiServer, config: ClusterConfig) -> None:
    """What changes in a namespace leaves the verdicts of all others valid; what is replaced has another generation."""
    put(server, "e", spec("a.example"))
    put(server, "t", spec("a.example"), "team")
    await config.refresh()
    cluster, team = config.acquire(""), config.acquire("team")
    assert cluster is not None
    assert team is not None
    assert cluster.engine.generation != team.engine.generation
    put(server, "t", spec("a.example", timeout=5), "team")
    await config.refresh()
    assert config.acquire("") is cluster
    again = config.acquire("team")
    assert again is not None
    assert again.engine.generation not in ("", team.engine.generation)


async def test_engines_of_the_cluster_and_of_namespaces_forget_credentials(
    server: ApiServer, config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All those in use."""
    swept: list[Engine] = []

    def sweep(engine: Engine) -> None:
        swept.append(engine)

    monkeypatch.setattr(Engine, "sweep", sweep)
    config.sweep()
    put(server, "e", spec("a.example"))
    put(server, "t", spec("a.example"), "team")
    put(server, "gone", spec("a.example"), "other")
    await config.refresh()
    remove(server, "gone", "other")
    await config.refresh()
    config.sweep()
    engines = {each.engine.generation for each in (config.acquire(""), config.acquire("team")) if each}
    assert {each.generation for each in swept} == engines
    assert len(swept) == 2


async def test_what_is_used_is_not_closed(
    server: ApiServer, config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store is closed when the last request that uses its generation is over, and no executor that lives on is."""
    closed: list[RegistryStore] = []

    async def close(store: RegistryStore) -> None:
        closed.append(store)

    monkeypatch.setattr(RegistryStore, "aclose", close)
    put(server, "a", spec("a.example"))
    put(server, "b", spec("b.example"))
    await config.refresh()
    snapshot = config.acquire("")
    assert snapshot is not None
    async with snapshot.used():
        remove(server, "a")
        await config.refresh()
        assert closed == []
    (first,) = closed
    await config.aclose()
    assert len(closed) == 2
    assert closed[1] is not first


async def test_nothing_is_answered_before_everything_is_known(
    server: ApiServer, config: ClusterConfig
) -> None:
    """Before the namespaces' resources are known, none can be decided about: their own executors may be missing."""
    put(server, "e", spec("*"))
    server.absent.add(f"{API}/namespacedexecutors")
    await config.refresh()
    assert config.acquire("") is None
    assert config.acquire("team") is None
    assert "namespacedexecutors are not known" in config.unready_reason()
    server.absent.clear()
    await config.refresh()
    assert deciders(config, "team") == {"*": "cosign"}
    assert config.unready_reason() == ""


async def test_without_any_executor_there_is_no_generation(server: ApiServer, config: ClusterConfig) -> None:
    """That is an error of every key, and the process stays ready."""
    await config.refresh()
    assert config.acquire("") is None
    assert config.unready_reason() == ""
    assert server.hits


async def test_changes_are_followed(server: ApiServer, config: ClusterConfig, followed: Follow) -> None:
    """What is added, changed and deleted is in service soon after, through lost connections and forgotten versions."""
    put(server, "e", spec("a.example", name="v1"))
    await config.refresh()
    async with followed(config):
        put(server, "e", spec("a.example", name="v2"))
        await until(lambda: deciders(config) == {"a.example": "v2"})
        server.disconnect()
        put(server, "e", spec("a.example", name="v3"))
        await until(lambda: deciders(config) == {"a.example": "v3"})
        put(server, "t", spec("t.example"), "team")
        await until(lambda: deciders(config, "team") == {"t.example": "cosign"})
        server.compact()
        put(server, "e", spec("a.example", name="v4"))
        remove(server, "t", "team")
        await until(lambda: deciders(config) == deciders(config, "team") == {"a.example": "v4"})
        for status_code in (500, 429, 0):
            server.refuse(status_code, method="GET", times=3)
            server.disconnect()
            put(server, "e", spec("a.example", name=f"after-{status_code}"))
            await until(lambda code=status_code: deciders(config) == {"a.example": f"after-{code}"})
        remove(server, "e")
        await until(lambda: config.acquire("") is None)


@pytest.mark.parametrize("in_stream", [False, True])
async def test_what_is_forgotten_is_read_anew(
    server: ApiServer, config: ClusterConfig, followed: Follow, in_stream: bool
) -> None:
    """A deletion that no watch could tell of is seen in the next list."""
    server.gone_in_stream = in_stream
    put(server, "t", spec("t.example"), "team")
    await config.refresh()
    remove(server, "t", "team")
    server.compact()
    async with followed(config):
        await until(lambda: config.acquire("team") is None)
    assert [hit for hit in server.hits if hit.is_watch]


async def test_pauses_grow_and_are_bounded(
    server: ApiServer, open_config: Open, followed: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that refuses everything is asked less and less often, but at least every half minute."""
    clock = SlowClock()
    config = open_config(clock=clock)
    await config.refresh()
    server.refuse(503, times=40)
    async with followed(config):
        await until(lambda: len([hit for hit in server.hits if hit.is_watch]) > 24)
    assert any("503" in getattr(each, "error", "") for each in caplog.records)
    pauses = [each for each in clock.slept if each != 5.0]
    assert 5 < max(pauses) <= 30
    assert min(pauses) > 0


async def test_a_silent_api_server_makes_it_unready(server: ApiServer, open_config: Open) -> None:
    """After ten minutes the known executors may be stale; the ones in service stay so."""
    clock = SlowClock()
    config = open_config(clock=clock)
    put(server, "e", spec("a.example"))
    await config.refresh()
    clock.advance(601)
    assert "has not said anything" in config.unready_reason()
    assert deciders(config) == {"a.example": "cosign"}


async def test_what_is_faulty_is_built_again_after_a_while(
    server: ApiServer, config: ClusterConfig, followed: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source of keys may come back without any change of the resource."""
    from pyratify.core.errors import ConfigurationError
    from pyratify.kubernetes.executors import reconciler

    real, tries = reconciler.build_executor, []

    async def build(*given: Any) -> Any:
        tries.append(1)
        if len(tries) < 4:
            raise ConfigurationError("the vault does not answer", reason=Reason.KEY_UNAVAILABLE)
        return await real(*given)

    monkeypatch.setattr(reconciler, "build_executor", build)
    put(server, "e", spec("a.example"))
    await config.refresh()
    assert status(server, "e")["conditions"][0]["reason"] == "KEY_UNAVAILABLE"
    async with followed(config):
        await until(lambda: deciders(config) == {"a.example": "cosign"})
        await until(lambda: status(server, "e")["succeeded"] is True)


async def test_a_defect_ends_no_other_executor(server: ApiServer, config: ClusterConfig) -> None:
    """What is raised unexpectedly in one namespace leaves it denied, and the others alone."""

    def instrument(engine: Engine) -> Engine:
        if "bad.example" in set(engine.executors):
            raise RuntimeError("hunter2")
        return engine

    config.instrument = instrument
    put(server, "e", spec("a.example"))
    put(server, "t", spec("bad.example"), "team")
    await config.refresh()
    assert deciders(config) == {"a.example": "cosign"}
    result = await ask(config, "bad.example/x:v1", "team")
    assert result.failure is not None
    assert result.failure.reason is Reason.SCOPE_NO_MATCH


async def test_gauges_tell_what_is_wrong(server: ApiServer, config: ClusterConfig) -> None:
    """How many scopes and resources there are, and how many of them are not in service."""
    put(server, "e", spec("a.example", "b.example"))
    put(server, "t", invalid("t.example"), "team")
    await config.refresh()
    values = {name: value() for name, value in config.gauges().items()}
    assert values == {
        "ratify_executor_scopes": 3,
        "ratify_executors": 2,
        "ratify_executors_invalid": 1,
        "ratify_configuration_wrong": 1,
        "ratify_keys_age_seconds": 0,
    }


@pytest.mark.parametrize("given", [None, {}, [], {"scopes": "a.example"}, {"scopes": ["A B"]}, 7], ids=str)
async def test_what_is_no_specification_at_all_is_a_faulty_one(
    server: ApiServer, config: ClusterConfig, given: Any
) -> None:
    """Should the definition's schema be missing or older, nothing is built and the status says why."""
    put(server, "e", given)
    put(server, "good", spec("a.example"))
    await config.refresh()
    assert deciders(config) == {"a.example": "cosign"}
    assert status(server, "e")["error"].startswith("spec")


async def test_replicas_with_one_secret_give_equal_engines_one_name(
    server: ApiServer, open_config: Open
) -> None:
    """So that they can share verdicts; another secret, another specification or none at all is another name."""
    put(server, "e", spec("a.example"))
    put(server, "t", spec("b.example"), "team")
    names: dict[str, set[str]] = {"": set(), "team": set()}
    for secret in (b"s" * 32, b"s" * 32, b"other" * 8, None, None):
        config = open_config(secret=secret)
        await config.refresh()
        for namespace, found in names.items():
            snapshot = config.acquire(namespace)
            assert snapshot is not None
            assert snapshot.engine.common is (secret is not None)
            found.add(snapshot.engine.generation)
    assert [len(found) for found in names.values()] == [4, 4]
    assert len(names[""] | names["team"]) == 8


async def test_a_namespace_has_at_most_so_many(server: ApiServer, config: ClusterConfig) -> None:
    """The oldest are in service; what the others are for is denied, and they say so."""
    for number in range(66):
        put(server, f"t{number:02}", spec(f"s{number:02}.example"), "team")
    await config.refresh()
    found = deciders(config, "team")
    assert [found[f"s{number:02}.example"] for number in (0, 63, 64, 65)] == [
        "cosign",
        "cosign",
        "none",
        "none",
    ]
    assert "at most 64" in status(server, "t65", "team")["error"]
    remove(server, "t00", "team")
    await config.refresh()
    found = deciders(config, "team")
    assert (found["s64.example"], found["s65.example"]) == ("cosign", "none")


@pytest.mark.parametrize("defect", [RuntimeError("hunter2"), TimeoutError()], ids=str)
async def test_what_goes_wrong_while_building_is_a_fault_of_that_resource(
    server: ApiServer, config: ClusterConfig, monkeypatch: pytest.MonkeyPatch, defect: Exception
) -> None:
    """A defect or a source that never answers; its text is not told."""
    from pyratify.kubernetes.executors import reconciler

    real = reconciler.build_executor

    async def build(resource: Any, *rest: Any) -> Any:
        if resource.name == "bad":
            raise defect
        return await real(resource, *rest)

    monkeypatch.setattr(reconciler, "build_executor", build)
    put(server, "bad", spec("a.example"))
    put(server, "good", spec("b.example"))
    await config.refresh()
    assert deciders(config) == {"a.example": "none", "b.example": "cosign"}
    error = status(server, "bad")["error"]
    assert error in ("it could not be built: unexpected RuntimeError", "it was not built within 30 seconds")


async def test_many_are_built_and_checked_some_at_a_time(
    server: ApiServer, config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may hold documents and connections; one that waits delays only those behind it."""
    from pyratify.kubernetes.executors import reconciler

    busy, most = 0, 0

    async def counted(*given: Any, real: Any) -> Any:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        try:
            await asyncio.sleep(0)
            return await real(*given)
        finally:
            busy -= 1

    for name in ("build_executor", "any_changed"):
        monkeypatch.setattr(reconciler, name, partial(counted, real=getattr(reconciler, name)))
    for number in range(40):
        put(server, f"e{number}", spec(f"a{number}.example"))
    await config.refresh()
    assert len(deciders(config)) == 40
    assert most == 16
    most = 0
    for each in config._reconcilers.values():  # noqa: SLF001 - what its watch does every few seconds
        assert not await each.check_sources()
    assert most == 16


async def test_the_client_is_closed_whatever_fails(
    server: ApiServer, config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last, and after the executors of every namespace."""
    put(server, "a", spec("a.example"))
    put(server, "t", spec("a.example"), "team")
    await config.refresh()
    closed: list[str] = []

    async def fail(_: object) -> None:
        closed.append("executors")
        raise RuntimeError("not closed")

    async def shut_down() -> None:
        closed.append("client")

    with monkeypatch.context() as patched:
        patched.setattr(Reconciler, "aclose", fail)
        patched.setattr(config.api, "aclose", shut_down)
        with pytest.raises(RuntimeError, match="not closed"):
            await config.aclose()
    assert closed == ["executors", "executors", "client"]


async def test_what_could_not_be_said_is_said_later(
    server: ApiServer, config: ClusterConfig, followed: Follow
) -> None:
    """A status that the API server did not take at first needs no change of the resource."""
    put(server, "e", spec("a.example"))
    server.refuse(500, method="PATCH", times=2)
    await config.refresh()
    assert status(server, "e") == {}
    async with followed(config):
        await until(lambda: status(server, "e").get("succeeded"))


async def test_replaced_executors_are_freed_at_once(server: ApiServer, config: ClusterConfig) -> None:
    """Without a collection of garbage, which is rare in servers; whether they were valid or not."""
    parts: list[weakref.ref[Executor]] = []
    gc.collect()
    gc.disable()
    try:
        for number in range(5):
            put(server, "changing", spec(f"a{number}.example"))
            put(server, "wrong", invalid(f"b{number}.example"))
            await config.refresh()
            snapshot = config.acquire("")
            assert snapshot is not None
            await ask(config, f"b{number}.example/app:v1")
            current = [weakref.ref(executor) for executor in snapshot.engine.executors.values()]
            parts.extend(current)
            del snapshot
        assert len(parts) > len(current)
        assert {id(part()) for part in parts if part() is not None} == {id(part()) for part in current}
    finally:
        gc.enable()
