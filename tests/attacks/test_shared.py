"""Attacks on verdicts that replicas share, by who can read, write, exchange, keep and replay everything in a real Redis."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import pytest

from pyratify.caches.redis import open_redis
from pyratify.caches.replicated import SharedCache
from pyratify.caches.verdict_entry import entry_name, seal
from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.shared_verdicts import VerdictKey
from pyratify.core.verifier import Details, Evidence
from pyratify.core.work_limiter import WorkLimiter, WorkLimits
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import signed_by_annotation
from support.sharing import OTHER, PINNED, SECRET, RedisServer, engine, question, running_redis, verdict

APP = Reference.parse("example.com/app:v1")
LONG = Lifetimes(allowed=60, denied=60, tags=60)
Entries = dict[bytes, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that any client can write."""
    with running_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


@dataclass
class Replica:
    """One of the processes, and what an attacker can do with its Redis."""

    url: str
    clock: FakeClock = field(default_factory=FakeClock)

    async def __aenter__(self) -> Self:
        self.cache = SharedCache(open_redis(self.url, seconds=10), SECRET, self.clock, seconds=10)
        self.redis: Any = self.cache.remote
        self.verdicts = Verdicts(self.clock, LONG, shared=self.cache)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.cache.aclose()

    async def ask(
        self, store: MemoryStore, verifier: FakeVerifier, namespace: str = "", generation: str = "one"
    ) -> Decision:
        """Validate, and wait until the verdict is written to Redis."""
        found = await self.verdicts.validate(engine(store, verifier, generation=generation), APP, namespace)
        await self.verdicts.flush()
        return found.decision

    async def entries(self) -> Entries:
        """Read everything."""
        client = self.redis.client
        return {name: await client.get(name) async for name in client.scan_iter("*")}

    async def write(self, entries: Entries) -> None:
        """Put these in place of everything."""
        await self.redis.client.flushall()
        for name, value in entries.items():
            await self.redis.client.set(name, value)


def image(*, signed: bool) -> MemoryStore:
    """Return a store with an image, with or without a signature that counts."""
    store = MemoryStore()
    annotations = {"signers": "alice"} if signed else {}
    store.attach(store.add_image(), "application/test", annotations=annotations)
    return store


BY_ALICE = signed_by_annotation()


@pytest.mark.parametrize(
    "forged", ["json", "pickle", "empty", "text", "flipped", "unsigned", "another-secret"]
)
async def test_atk_251_a_forged_entry_is_a_miss(server: RedisServer, forged: str) -> None:
    """Whatever is written in place of a denial, the image is evaluated and denied."""
    store = image(signed=False)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(store, BY_ALICE) is Decision.DENY
        ((name, entry),) = (await one.entries()).items()
        pinned = APP.at((await store.resolve(APP)).digest)
        allow = verdict(reference=pinned)
        other = seal(OTHER, question(reference=pinned), allow, one.clock.now(), 60) or b""
        values = {
            "json": json.dumps({"succeeded": True, "decision": "ALLOW"}).encode(),
            "pickle": pickle.dumps({"decision": Decision.ALLOW}),
            "empty": b"",
            "text": b"ALLOW",
            "flipped": entry.replace(b'"DENY"', b'"ALLOW"'),
            "unsigned": entry[:60] + other[60:],
            "another-secret": other,
        }
        await one.write({name: values[forged]})
        assert await two.ask(store, BY_ALICE) is Decision.DENY
        assert two.cache.counts.hits == 0


async def test_atk_251_entries_that_are_exchanged_are_misses(server: RedisServer) -> None:
    """The allow of a signed image, filed under the name of one without a signature, does not count for it."""
    good, bad = image(signed=True), image(signed=False)
    bad.add_image(content=b"other")
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(good, BY_ALICE) is Decision.ALLOW
        allow = next(iter((await one.entries()).values()))
        assert await one.ask(bad, BY_ALICE) is Decision.DENY
        await one.write(dict.fromkeys(await one.entries(), allow))
        assert await two.ask(bad, BY_ALICE) is Decision.DENY
        assert two.cache.counts.refused == 1


async def test_atk_250_an_entry_of_another_tenant_or_configuration_is_a_miss(server: RedisServer) -> None:
    """What one tenant's configuration allows is evaluated anew for another tenant, and for another configuration."""
    store = image(signed=True)
    strict = signed_by_annotation("fake", "application/other")
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(store, BY_ALICE, "team-a", "open") is Decision.ALLOW
        allow = next(iter((await one.entries()).values()))
        for namespace, generation in (("team-b", "open"), ("team-a", "strict"), ("", "open")):
            await one.ask(store, strict, namespace, generation)
            await one.write(dict.fromkeys(await one.entries(), allow))
            assert await two.ask(store, strict, namespace, generation) is Decision.DENY
        assert two.cache.counts.hits == 0


async def test_atk_249_an_old_entry_that_is_put_back_is_a_miss(server: RedisServer) -> None:
    """Redis forgot it, the attacker kept it: its time is over by our own clock."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(store, BY_ALICE) is Decision.ALLOW
        kept = await one.entries()
        gone = MemoryStore()
        gone.add_image()
        two.clock.advance(60)
        await two.write(kept)
        assert await two.ask(gone, BY_ALICE) is Decision.DENY
        assert two.cache.counts.refused == 1


async def test_atk_249_a_shared_allow_does_not_outlive_what_it_depends_on(server: RedisServer) -> None:
    """A certificate that ends in two seconds ends the entry for all replicas, whose lifetime is a minute."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        end = one.clock.now() + timedelta(seconds=2)

        async def does(evidence: Evidence) -> Details:
            return Details("good", valid_until=end)

        assert await one.ask(store, FakeVerifier(does=does)) is Decision.ALLOW
        kept = await one.entries()
        two.clock.advance(2)
        await two.write(kept)
        assert await two.ask(image(signed=False), BY_ALICE) is Decision.DENY


@pytest.mark.parametrize("seconds", [-3600, -3, 60, 3600])
async def test_atk_254_clocks_that_differ_prolong_nothing(server: RedisServer, seconds: float) -> None:
    """An entry from a clock that is ahead or behind by more than a moment does not count."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        two.clock.time += timedelta(seconds=seconds)
        assert await one.ask(store, BY_ALICE) is Decision.ALLOW
        assert await two.ask(image(signed=False), BY_ALICE) is Decision.DENY
        assert two.cache.counts.refused == 1


async def test_atk_254_a_clock_that_is_set_back_brings_nothing_back(server: RedisServer) -> None:
    """An entry whose time was over stays over, also when the wall clock shows its time once more."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(store, BY_ALICE) is Decision.ALLOW
        kept = await one.entries()
        two.clock.advance(120)
        await two.write(kept)
        assert await two.ask(image(signed=False), BY_ALICE) is Decision.DENY
        two.verdicts = Verdicts(two.clock, LONG, shared=two.cache)
        two.clock.time -= timedelta(seconds=90)
        await two.write(kept)
        assert await two.ask(image(signed=False), BY_ALICE) is Decision.DENY
        assert two.cache.counts.hits == 0


async def test_atk_248_an_image_that_is_signed_after_a_denial_is_allowed_in_time(server: RedisServer) -> None:
    """A denial is shared for its own short time; the longer one of an allow is not its."""
    store = MemoryStore()
    found = store.add_image()
    async with Replica(server.url) as one, Replica(server.url) as two:
        one.verdicts = Verdicts(one.clock, Lifetimes(allowed=60, denied=2), shared=one.cache)
        await one.write({})
        assert await one.ask(store, BY_ALICE) is Decision.DENY
        store.attach(found, "application/test", annotations={"signers": "alice"})
        two.clock.advance(2)
        assert await two.ask(store, BY_ALICE) is Decision.ALLOW


async def test_atk_247_a_tag_that_moves_is_not_answered_from_the_shared_cache(server: RedisServer) -> None:
    """Entries belong to digests; no tag stands in them."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(store, BY_ALICE) is Decision.ALLOW
        store.add_image(content=b"evil")
        assert await two.ask(store, BY_ALICE) is Decision.DENY


async def test_atk_252_a_shared_report_is_the_whole_report(server: RedisServer) -> None:
    """The replica that evaluated nothing has the same evidence to show."""
    store = image(signed=True)
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        first = await one.verdicts.validate(engine(store, BY_ALICE), APP)
        await one.verdicts.flush()
        assert await two.verdicts.validate(engine(store, BY_ALICE), APP) == first
        assert two.cache.counts.hits == 1


async def test_atk_251_a_cancelled_question_leaves_no_answer_behind(server: RedisServer) -> None:
    """Ended in the middle of a command, a connection is never used again: no caller gets the answer to another's request."""
    good, bad = image(signed=True), image(signed=False)
    bad.add_image(content=b"other")
    async with Replica(server.url) as one, Replica(server.url) as two:
        await one.write({})
        assert await one.ask(good, BY_ALICE) is Decision.ALLOW
        assert await one.ask(bad, BY_ALICE) is Decision.DENY
        for steps in range(40):
            asking = asyncio.create_task(two.cache.get(question(reference=await pinned(good))))
            for _ in range(steps):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            found = await two.cache.get(question(reference=await pinned(bad)))
            assert found is not None
            assert found.result.decision is Decision.DENY
        assert two.cache.counts.refused == 0


async def test_atk_253_a_flood_of_questions_is_bounded(server: RedisServer) -> None:
    """A thousand different images at once, and a Redis that does not answer: few wait for it, and every name is as long."""
    store = MemoryStore()
    images = [store.add_image(content=str(number).encode()) for number in range(1000)]
    for each in images:
        store.attach(each, "application/test")
    async with Replica(server.url) as one:
        await one.write({})
        hanging = Hanging()
        one.verdicts = Verdicts(
            one.clock,
            LONG,
            shared=SharedCache(hanging, SECRET, one.clock, seconds=60),
            admission=WorkLimiter(one.clock, WorkLimits(registry=1000)),
        )
        found = engine(store)
        asking = [asyncio.create_task(one.verdicts.validate(found, APP.at(each.digest))) for each in images]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert hanging.waiting == 64
        hanging.gate.set()
        assert all(one.succeeded for one in await asyncio.gather(*asking))
        await one.verdicts.aclose()
        long = [
            question(reference=Reference.parse(f"example.com/{'x' * size}").at(PINNED.digest))
            for size in (1, 200)
        ]  # type: ignore[arg-type]
        assert len({len(entry_name(SECRET, one)) for one in long}) == 1


async def test_atk_253_only_so_many_verdicts_wait_to_be_written() -> None:
    """The rest stays in its process: what a cache that hangs would keep in memory is bounded."""
    writes: list[VerdictKey] = []

    class Full:
        async def get(self, question: VerdictKey) -> None:
            """Have nothing."""

        async def aclose(self) -> None:
            """There is nothing to close."""

        async def put(self, question: VerdictKey, result: ValidationResult, seconds: float) -> None:
            """Never end."""
            writes.append(question)
            await asyncio.Event().wait()

    store = MemoryStore()
    images = [store.add_image(content=str(number).encode()) for number in range(200)]
    verdicts = Verdicts(FakeClock(), LONG, shared=Full())
    found = engine(store)
    for each in images:
        store.attach(each, "application/test")
        assert (await verdicts.validate(found, APP.at(each.digest))).succeeded
        await asyncio.sleep(0)
    assert len(writes) == 64
    await verdicts.aclose()


@dataclass
class Hanging:
    """A remote that answers nothing until its gate opens."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def get(self, name: str, most: int) -> bytes | None:
        """Wait."""
        self.waiting += 1
        await self.gate.wait()
        return None

    async def put(self, name: str, data: bytes, seconds: float) -> None:
        """Wait."""
        self.waiting += 1
        await self.gate.wait()

    async def aclose(self) -> None:
        """There is nothing to close."""


async def pinned(store: MemoryStore) -> Reference:
    """Return a store's image by digest."""
    return APP.at((await store.resolve(APP)).digest)
