"""A store that is asked before the engine is ready gives the answers of the store behind it, and asks it nothing twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer, closing
from pyratify.entrypoints.cli.engines.early_store import EarlyStore
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from pyratify.testing.store_contract import Sample, StoreCase, StoreContract, fill


def sample() -> tuple[MemoryStore, Sample, Reference]:
    """Return a filled store, what is in it, and its image by digest."""
    memory = MemoryStore()
    content = fill(memory)
    return memory, content, Reference.parse(f"example.com/app@{content.image.digest}")


class TestEarlyStore(StoreContract):
    """It does what every store has to do, asked early by tag."""

    @pytest.fixture
    async def case(self) -> StoreCase:
        """Return the store, of which the tag was asked before."""
        memory, content, _ = sample()
        store = EarlyStore(memory)
        reference = Reference.parse("example.com/app:v1")
        store.ask(reference)
        return StoreCase(store, reference, content)


class TestEarlyStoreByDigest(StoreContract):
    """It does what every store has to do, asked early by digest too."""

    @pytest.fixture
    async def case(self) -> StoreCase:
        """Return the store, of which the digest was asked before."""
        memory, content, by_digest = sample()
        store = EarlyStore(memory)
        store.ask(by_digest)
        return StoreCase(store, Reference.parse("example.com/app:v1"), content)


async def test_what_was_asked_early_is_given_once_and_asked_again_after_that() -> None:
    """The first who asks pays no second request; an answer is not remembered."""
    memory, content, by_digest = sample()
    store = EarlyStore(memory)
    store.ask(by_digest)
    await asyncio.sleep(0)
    assert Counter(method for method, _ in memory.calls) == {"resolve": 1, "referrers": 1}
    for times in (1, 2):
        assert await store.resolve(by_digest) == content.image
        assert len([each async for each in store.referrers(by_digest)]) == 2
        assert Counter(method for method, _ in memory.calls) == {"resolve": times, "referrers": times}
    await store.aclose()


async def test_a_tag_is_resolved_early_and_listed_once_its_digest_is_known() -> None:
    """What is attached belongs to a digest; the engine that follows asks for nothing again."""
    memory, _, by_digest = sample()
    store = EarlyStore(memory)
    by_tag = Reference.parse("example.com/app:v1")
    store.ask(by_tag)
    await asyncio.sleep(0)
    assert memory.calls[0] == ("resolve", str(by_tag))
    found = await store.resolve(by_tag)
    assert len([each async for each in store.referrers(by_tag.at(found.digest))]) == 2
    assert memory.calls == [("resolve", str(by_tag)), ("referrers", str(by_digest.digest))]
    await store.aclose()


@pytest.mark.parametrize("tag", [True, False])
async def test_nothing_is_listed_of_an_index_that_is_judged_by_its_manifests(tag: bool) -> None:
    """An engine asks what is attached to these; to a single manifest, it asks as ever."""
    memory, content, by_digest = sample()
    index = add_index(memory, entry(content.image, "linux/amd64"), tag="multi")
    for name, found, asked in (
        ("multi", index, ["resolve"]),
        ("v1", content.image, ["resolve", "referrers"]),
    ):
        memory.calls.clear()
        store = EarlyStore(memory)
        wanted = Reference.parse(f"example.com/app:{name}") if tag else by_digest.at(found.digest)
        store.ask(wanted, by_platform=True)
        for _ in range(20):
            await asyncio.sleep(0)
        assert [method for method, _ in memory.calls] == asked
        await store.aclose()


async def test_of_a_tag_that_names_nothing_nothing_is_listed(caplog: pytest.LogCaptureFixture) -> None:
    """The error is the engine's answer."""
    memory, _, _ = sample()
    store = EarlyStore(memory)
    store.ask(missing := Reference.parse("example.com/app:missing"))
    with pytest.raises(StoreError, match="not found"):
        await store.resolve(missing)
    await store.aclose()
    assert [method for method, _ in memory.calls] == ["resolve"]
    assert caplog.text == ""


async def test_an_answer_for_one_reference_is_not_given_for_another() -> None:
    """Neither for another digest of the repository, nor for the same digest elsewhere."""
    memory, content, by_digest = sample()
    store = EarlyStore(memory)
    store.ask(by_digest)
    for other in (
        by_digest.at(content.bare.digest),
        Reference.parse(f"other.com/app@{content.image.digest}"),
    ):
        assert (await store.resolve(other)).digest == other.digest
        assert [each.descriptor async for each in store.referrers(other)] == [
            each.descriptor for each in memory.listings.get(other.digest, [])
        ]
    await store.aclose()


async def test_errors_of_the_store_reach_the_first_who_asks() -> None:
    """After the referrers that were listed before them."""
    memory, content, by_digest = sample()
    memory.faults["resolve"] = StoreError(Reason.NOT_FOUND, "it is gone")

    class Breaking(MemoryStore):
        """Breaks after the first entry."""

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            yield memory.listings[content.image.digest][0]
            raise StoreError(Reason.TIMEOUT, "cut")

    broken = Breaking()
    broken.faults = memory.faults
    store = EarlyStore(broken)
    store.ask(by_digest)
    with pytest.raises(StoreError, match="it is gone"):
        await store.resolve(by_digest)
    listing = store.referrers(by_digest)
    assert (await anext(listing)).descriptor == content.signature
    with pytest.raises(StoreError, match="cut"):
        await anext(listing)
    await store.aclose()


async def test_what_nothing_takes_is_ended_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """Errors that nothing waits for are not logged, and the store's generator is closed."""
    ended = asyncio.Event()

    class Silent(MemoryStore):
        """Never answers a listing."""

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            try:
                await asyncio.Event().wait()
                yield  # type: ignore[misc]  # a generator, that yields nothing
            finally:
                ended.set()

    _, _, by_digest = sample()
    store = EarlyStore(Silent())  # it holds nothing, so resolving fails
    store.ask(by_digest)
    await asyncio.sleep(0)
    await store.aclose()
    assert ended.is_set()
    assert caplog.text == ""


@pytest.mark.parametrize("early", [True, False])
async def test_a_listing_is_read_no_further_than_it_is_asked_for_and_passed_on_as_it_is(early: bool) -> None:
    """A walk bounds what it reads, also where no entry says its type; twice the same stays twice."""
    _, content, by_digest = sample()
    untyped = Referrer(replace(content.signature, artifact_type=None), Discovery.REFERRERS_API)
    read = 0

    class Long(MemoryStore):
        """Has very much attached, all of it without a type but the last."""

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            nonlocal read
            for _ in range(30_000):
                read += 1
                yield untyped
            yield Referrer(content.signature, Discovery.REFERRERS_API)

    store = EarlyStore(Long())
    if early:
        store.ask(by_digest)
    async with closing(store.referrers(by_digest)) as listing:
        assert [await anext(listing) for _ in range(3)] == [untyped] * 3
    assert read == 3
    await store.aclose()
