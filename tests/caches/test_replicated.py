"""Verdicts that processes share: what is found, what is told, and what happens when nothing works."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from pyratify.caches.breaker import Breaker
from pyratify.caches.replicated import SharedCache
from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.sharing import SECRET, MemoryRemote, engine, question, verdict

APP = Reference.parse("example.com/app:v1")
LONG = Lifetimes(allowed=60, denied=60, tags=60)


def signed() -> MemoryStore:
    """Return a store with a signed image."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    return store


def listings(store: MemoryStore) -> int:
    """Return how many evaluations there were."""
    return sum(method == "referrers" for method, _ in store.calls)


@dataclass
class Replica:
    """One of the processes."""

    remote: MemoryRemote
    clock: FakeClock = field(default_factory=FakeClock)
    lifetimes: Lifetimes = LONG

    def __post_init__(self) -> None:
        self.cache = SharedCache(self.remote, SECRET, self.clock)
        self.verdicts = Verdicts(self.clock, self.lifetimes, shared=self.cache)

    async def ask(self, store: MemoryStore, *verifiers: FakeVerifier, **settings: object) -> Decision:
        """Validate, and wait until the verdict is written to the shared cache."""
        found = engine(store, *verifiers, **settings)  # type: ignore[arg-type]
        result = await self.verdicts.validate(found, APP)
        await self.verdicts.flush()
        return result.decision


async def test_what_one_replica_found_another_does_not_evaluate() -> None:
    """The second asks its registry what the tag names, and nothing else."""
    store, remote = signed(), MemoryRemote()
    one, two = Replica(remote), Replica(remote)
    assert await one.ask(store) is Decision.ALLOW
    assert await two.ask(store) is Decision.ALLOW
    assert listings(store) == 1
    assert (two.verdicts.misses, two.cache.counts.hits) == (0, 1)
    assert await two.ask(store) is Decision.ALLOW
    assert len(remote.asked) == 2


async def test_a_shared_verdict_is_remembered_for_what_is_left_of_its_time() -> None:
    """Passing it from one to the next does not prolong it."""
    store, remote = signed(), MemoryRemote()
    one, two = Replica(remote), Replica(remote)
    await one.ask(store)
    two.clock.advance(59)
    await two.ask(store)
    two.clock.advance(1)
    await two.ask(store)
    assert listings(store) == 2


async def test_a_replica_s_own_lifetimes_count_too() -> None:
    """A replica with lifetimes of five seconds uses no verdict for a minute."""
    store, remote = signed(), MemoryRemote()
    await Replica(remote).ask(store)
    two = Replica(remote, lifetimes=Lifetimes(allowed=5))
    await two.ask(store)
    two.clock.advance(4.9)
    await two.ask(store)
    assert (two.verdicts.hits, two.cache.counts.hits) == (1, 1)
    two.clock.advance(0.1)
    await two.ask(store)
    assert (two.verdicts.hits, two.cache.counts.hits) == (1, 2)


@pytest.mark.parametrize("what", ["resolve", "referrers"])
async def test_errors_are_not_shared(what: str) -> None:
    """What failed for one may work for the next."""
    store, remote = signed(), MemoryRemote()
    store.faults[what] = StoreError(Reason.REGISTRY_ERROR, "503")
    assert await Replica(remote).ask(store) is Decision.DENY
    assert remote.entries == {}


async def test_an_engine_without_a_common_fingerprint_shares_nothing() -> None:
    """Its generation says nothing to other processes; they are not even asked."""
    store, remote = signed(), MemoryRemote()
    assert await Replica(remote).ask(store, common=False) is Decision.ALLOW
    assert (remote.entries, remote.asked) == ({}, [])


async def test_evidence_that_ends_ends_the_entry() -> None:
    """By the clock of the reader: what is valid until then is not allowed after."""
    store, remote = signed(), MemoryRemote()
    one, two = Replica(remote), Replica(remote)
    end = one.clock.now() + timedelta(seconds=3)

    async def does(evidence: Evidence) -> Details:
        return Details("good", valid_until=end)

    await one.ask(store, FakeVerifier(does=does))
    two.clock.advance(3)
    await two.ask(store, FakeVerifier(does=does))
    assert listings(store) == 2


async def test_a_cache_that_fails_is_one_that_has_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Everything is answered; after three failures it is left alone, and nothing of the error is logged."""
    store, remote = signed(), MemoryRemote(fault=OSError("redis://:hunter2@host"))
    replica = Replica(remote, lifetimes=Lifetimes(allowed=0.001))
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            assert await replica.ask(store) is Decision.ALLOW
            replica.clock.advance(0.01)
    assert replica.cache.counts.errors == 3
    assert replica.cache.counts.skipped >= 10
    assert [record.message for record in caplog.records] == ["shared cache failed, attempts are held back"]
    assert "hunter2" not in caplog.text


async def test_a_cache_that_is_back_is_used_again() -> None:
    """After its pause one attempt is made; when it works everything is as before."""
    remote, clock = MemoryRemote(fault=OSError()), FakeClock()
    cache = SharedCache(remote, SECRET, clock)
    for _ in range(5):
        assert await cache.get(question()) is None
    assert (len(remote.asked), cache.breaker.is_open) == (3, True)
    remote.fault = None
    clock.advance(1)
    await cache.put(question(), verdict(), 60)
    assert await cache.get(question()) is not None
    assert cache.breaker.is_open is False


async def test_a_cache_that_does_not_answer_is_not_waited_for() -> None:
    """A verdict has a deadline, and the cache only a fraction of a second."""

    class Hanging(MemoryRemote):
        async def get(self, name: str, most: int) -> bytes | None:
            await asyncio.Event().wait()
            return None

    cache = SharedCache(Hanging(), SECRET, FakeClock(), seconds=0.001)
    assert await cache.get(question()) is None
    assert cache.counts.errors == 1


async def test_requests_beyond_64_skip_a_slow_cache() -> None:
    """A slow remote gets a bounded number of requests at a time."""
    gate = asyncio.Event()

    class Slow(MemoryRemote):
        async def get(self, name: str, most: int) -> bytes | None:
            await gate.wait()
            return None

    cache = SharedCache(Slow(), SECRET, FakeClock(), seconds=60)
    asking = [asyncio.create_task(cache.get(question())) for _ in range(100)]
    await asyncio.sleep(0)
    assert cache.counts.skipped == 36
    gate.set()
    assert await asyncio.gather(*asking) == [None] * 100


async def test_a_cancellation_is_passed_on() -> None:
    """The end of a request is not a failure of the cache."""

    class Hanging(MemoryRemote):
        async def get(self, name: str, most: int) -> bytes | None:
            await asyncio.Event().wait()
            return None

    cache = SharedCache(Hanging(), SECRET, FakeClock(), seconds=60)
    asking = asyncio.create_task(cache.get(question()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert cache.counts.errors == 0
    for _ in range(64):  # it occupies none of the 64 places
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await cache.get(question())
    assert cache.counts.skipped == 0


async def test_what_cannot_be_carried_is_not_put() -> None:
    """And closing closes the remote."""
    remote = MemoryRemote()
    cache = SharedCache(remote, SECRET, FakeClock())
    await cache.put(question(), verdict(), 0)
    await cache.aclose()
    assert (remote.entries, remote.closed) == ({}, True)


def test_a_breaker_doubles_its_pauses_up_to_a_bound() -> None:
    """One attempt after each pause; a success closes it."""
    clock = FakeClock()
    breaker = Breaker(clock, failures=2, seconds=1, most=4)
    pauses = []
    for _ in range(2):
        assert breaker.permits()
        breaker.failed()
    for _ in range(4):
        began = clock.monotonic()
        while not breaker.permits():
            clock.advance(0.5)
        assert not breaker.permits()
        pauses.append(clock.monotonic() - began)
        breaker.failed()
    assert pauses == [1, 2, 4, 4]
    breaker.succeeded()
    assert breaker.permits()
    assert breaker.permits()
