"""Verdicts that are remembered: what under, how long, and what never."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from pyratify.caches.verdict_entry import decode_verdict, encode_verdict
from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.caching import ExpiringCache
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError, InconclusiveError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from support.scenes import ONE, raising

APP = Reference.parse("example.com/app:v1")


def engine(store: MemoryStore, *verifiers: FakeVerifier, generation: str = "one") -> Engine:
    """Return an engine over a store."""
    executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
    return Engine(ScopeMap([("example.com", executor)]), generation)


def signed() -> MemoryStore:
    """Return a store with an image and one artifact attached."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    return store


def listings(store: MemoryStore) -> int:
    """Return how many listings were asked for: one for each evaluation."""
    return sum(method == "referrers" for method, _ in store.calls)


async def test_an_allow_is_remembered_for_its_time_and_no_longer() -> None:
    """Inside the lifetime nothing is evaluated, and the moment it is over everything is."""
    store, clock = signed(), FakeClock()
    verdicts = Verdicts(clock, Lifetimes(allowed=5))
    first = await verdicts.validate(engine(store), APP)
    clock.advance(4.9)
    assert await verdicts.validate(engine(store), APP) == first
    assert (first.succeeded, first.reference, listings(store)) == (True, APP, 1)
    clock.advance(0.1)
    await verdicts.validate(engine(store), APP)
    assert listings(store) == 2
    assert (verdicts.hits, verdicts.misses) == (1, 2)


async def test_equal_questions_at_the_same_time_share_one_evaluation() -> None:
    """Twenty callers, one listing; one that is cancelled ends nothing for the others."""
    store, began, gate = signed(), asyncio.Event(), asyncio.Event()

    async def wait(evidence: Evidence) -> Details:
        began.set()
        await gate.wait()
        return Details("good")

    one, verdicts = engine(store, FakeVerifier(does=wait)), Verdicts(FakeClock())
    callers = [asyncio.create_task(verdicts.validate(one, APP)) for _ in range(20)]
    await began.wait()
    callers[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(not isinstance(found, BaseException) and found.succeeded for found in results[1:])
    assert listings(store) == 1


@pytest.mark.parametrize("what", ["resolve", "referrers"])
async def test_an_error_is_not_remembered(what: str) -> None:
    """A registry that fails once is asked again at once."""
    store, verdicts = signed(), Verdicts(FakeClock())
    store.faults[what] = StoreError(Reason.REGISTRY_ERROR, "503")
    failed = await verdicts.validate(engine(store), APP)
    assert failed.error is not None
    assert failed.decision is Decision.DENY
    store.faults.clear()
    assert (await verdicts.validate(engine(store), APP)).succeeded


async def test_a_denial_because_a_key_was_unavailable_is_not_remembered() -> None:
    """What could not be decided is no verdict, also where the result is DENY without an error."""
    store, verdicts = signed(), Verdicts(FakeClock())
    fault = raising(InconclusiveError(Reason.KEY_UNAVAILABLE, "the vault is closed"))
    await verdicts.validate(engine(store, FakeVerifier(does=fault)), APP)
    assert len(verdicts) == 0


async def test_an_engine_without_a_generation_is_always_asked() -> None:
    """Nothing could tell its verdicts from another engine's."""
    store, verdicts = signed(), Verdicts(FakeClock())
    for _ in range(2):
        assert (await verdicts.validate(engine(store, generation=""), APP)).succeeded
        await verdicts.resolve(engine(store, generation=""), APP)
    assert (listings(store), len(verdicts)) == (2, 0)


async def test_a_reference_without_an_executor_is_denied() -> None:
    """It is the engine's own answer; resolving it is an error."""
    verdicts, other = Verdicts(FakeClock()), Reference.parse("elsewhere.example/app")
    result = await verdicts.validate(engine(signed()), other)
    assert result.failure is not None
    assert result.failure.reason is Reason.SCOPE_NO_MATCH
    with pytest.raises(StoreError) as caught:
        await verdicts.resolve(engine(signed()), other)
    assert caught.value.reason is Reason.SCOPE_NO_MATCH


async def test_what_a_tag_names_is_remembered_for_mutation_only() -> None:
    """Within its lifetime a tag is resolved once, and again after that or for another configuration."""
    store, clock = signed(), FakeClock()
    verdicts = Verdicts(clock, Lifetimes(tags=2))
    for advance in (0, 1, 1):
        clock.advance(advance)
        assert (await verdicts.resolve(engine(store), APP)).digest == store.tags["v1"]
    assert [method for method, _ in store.calls] == ["resolve", "resolve"]
    await verdicts.resolve(engine(store, generation="two"), APP)
    assert len(store.calls) == 3


_TWO_TAGS = 8 * 2500


async def test_the_number_of_remembered_tags_is_bounded() -> None:
    """Which was not asked for for longest is forgotten first, though its time be not over."""
    store, verdicts = MemoryStore(), Verdicts(FakeClock(), Lifetimes(tags=60), max_weight=_TWO_TAGS)
    names = [Reference.parse(f"example.com/app:v{number}") for number in range(3)]
    for number in range(3):
        store.add_image(f"v{number}", bytes((number,)))
    for asked, hits in ((0, 0), (1, 0), (0, 1), (2, 1), (0, 2), (1, 2)):
        found = await verdicts.resolve(engine(store), names[asked])
        assert found.digest == store.tags[f"v{asked}"]
        assert verdicts.tag_hits == hits


def test_a_cache_weighs_what_it_holds() -> None:
    """Too heavy is not kept; what was not used for longest goes first; replacing does not count twice."""
    cache = ExpiringCache[str](FakeClock(), 3)
    cache.put("heavy", "x", 9, weight=4)
    for key in ("a", "b", "c"):
        cache.put(key, key, 9)
    cache.put("c", "C", 9)
    assert cache.get("a") == "a"
    cache.put("d", "d", 9)
    assert [cache.get(key) for key in ("heavy", "a", "b", "c", "d")] == [None, "a", None, "C", "d"]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_lifetime_is_finite(seconds: float) -> None:
    """Nothing is remembered for ever."""
    with pytest.raises(ConfigurationError):
        Lifetimes(allowed=seconds)


async def test_a_namespace_cannot_spell_the_key_of_another_reference() -> None:
    """Generation, namespace and reference are compared one by one, whatever characters stand in them."""
    store = signed()
    digest = (await store.resolve(APP)).digest
    allowing = Executor(store=store, verifiers=(FakeVerifier(),), policy=ONE)
    refusing = Executor(
        store=store,
        verifiers=(FakeVerifier(does=raising(InconclusiveError(Reason.TIMEOUT, "no"))),),
        policy=ONE,
    )
    both = Engine(ScopeMap([("*", allowing), ("example.com", refusing)]), "one")
    verdicts = Verdicts(FakeClock())
    layout = Reference("oci", f"x|{APP.name}", digest=digest)
    assert (await verdicts.validate(both, layout, "team")).succeeded
    assert not (await verdicts.validate(both, APP.at(digest), "team|oci:x")).succeeded


async def test_a_digest_beside_the_tag_of_its_index_is_remembered_for_both() -> None:
    """The index of one tag may speak for a manifest; under another tag, or none, nothing does."""
    store = MemoryStore()
    image = store.add_image("image")
    store.attach(add_index(store, entry(image), tag="v1"), "application/test")
    add_index(store, tag="v2")
    verdicts, one = Verdicts(FakeClock()), engine(store)
    both = replace(APP, digest=image.digest)
    assert (await verdicts.validate(one, both)).succeeded
    assert verdicts.remaining(one, both) > 0
    assert not (await verdicts.validate(one, APP.at(image.digest))).succeeded
    assert not (await verdicts.validate(one, replace(both, tag="v2"))).succeeded
    assert (await verdicts.validate(one, both)).succeeded
    assert (verdicts.hits, verdicts.misses) == (1, 3)


async def test_the_verdict_on_platforms_lives_as_long_as_the_evidence_of_each() -> None:
    """What is nested below a platform ends it, too."""
    store, clock = MemoryStore(), FakeClock()
    image = store.add_image("image")
    store.attach(image, "application/test")
    add_index(store, entry(image))
    ends = clock.now() + timedelta(seconds=3)

    async def does(evidence: Evidence) -> Details:
        return Details("good", valid_until=ends)

    judged = Executor(
        store=store, verifiers=(FakeVerifier(does=does),), policy=ONE, platforms=PlatformChoice.parse("each")
    )
    verdicts, one = Verdicts(clock, Lifetimes(allowed=5)), Engine(ScopeMap([("example.com", judged)]), "one")
    result = await verdicts.validate(one, APP)
    assert result.subject is not None
    assert verdicts.remaining(one, APP.at(result.subject.digest)) == 3
    assert decode_verdict(encode_verdict(result) or b"") == result
