"""Items that are answered again as they were."""

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.gatekeeper.provider import Provider
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, Held, Here, items, provider, signed
from support.scenes import ONE


class Counting(FakeVerifier):
    """A verifier that counts."""

    count = 0

    async def verify(self, evidence: Evidence) -> Details:
        """Count and accept."""
        Counting.count += 1
        return Details("good")


def one(store: MemoryStore, clock: BellClock, *verifiers: FakeVerifier) -> Provider:
    """Return a provider that remembers for a minute."""
    executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
    held = Held(Engine(ScopeMap([("*", executor)]), "one"))
    return Provider(Here(held), Verdicts(clock, Lifetimes(allowed=60)), clock=clock)


async def test_a_digest_is_answered_again_without_another_evaluation() -> None:
    """Until its time is over; among keys that are not remembered, in the order of the request."""
    store, clock = signed(), BellClock()
    key = f"example.com/app@{store.tags['v1']}"
    Counting.count = 0
    gate = one(store, clock, Counting())
    first = await items(gate, key)
    again = await items(gate, "example.com/app:missing", key, key)
    assert again[1:] == [*first, *first]
    assert again[0]["error"].startswith("NOT_FOUND")
    assert (Counting.count, gate.verdicts.hits) == (1, 1)
    clock.advance(60)
    assert await items(gate, key) == first
    assert Counting.count == 2


async def test_a_tag_is_asked_about_every_time() -> None:
    """It moves to an image without evidence and is denied at once."""
    store, clock = signed(), BellClock()
    gate = one(store, clock)
    (before,) = await items(gate, "example.com/app:v1")
    store.tags["v1"] = store.add_image("bare", b"bare").digest
    (after,) = await items(gate, "example.com/app:v1")
    assert (before["value"]["succeeded"], after["value"]["succeeded"]) == (True, False)


async def test_another_configuration_answers_for_itself() -> None:
    """What the old one answered is gone, also when no configuration is left."""
    store, clock = signed(), BellClock()
    key = f"example.com/app@{store.tags['v1']}"
    gate = one(store, clock)
    (before,) = await items(gate, key)
    source = gate.source
    assert isinstance(source, Here)
    strict = Executor(store=MemoryStore(), verifiers=(FakeVerifier(),), policy=ONE)
    source.current = Held(Engine(ScopeMap([("*", strict)]), "two"))
    (after,) = await items(gate, key)
    source.current = None
    (without,) = await items(gate, key)
    assert before["value"]["succeeded"] is True
    assert "value" not in after
    assert without["error"].startswith("NO_EXECUTOR")


async def test_tenants_have_items_of_their_own() -> None:
    """A key with another namespace is another key."""
    store = signed()
    digest = store.tags["v1"]
    gate = provider(store)
    await items(gate, f"[a]example.com/app@{digest}")
    await items(gate, f"[b]example.com/app@{digest}")
    assert gate.verdicts.misses == 2
