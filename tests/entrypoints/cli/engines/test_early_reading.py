"""The first signature is read before the engine asks for it: once, only what an engine would read, and checked as ever."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from pyratify.core.caching import MemoryCache
from pyratify.core.content import Content, content_key
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.offload import LARGE
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery
from pyratify.entrypoints.cli.engines.early_store import EarlyStore
from pyratify.testing.memory import MemoryStore
from pyratify.testing.store_contract import SIGNATURE, Sample, StoreCase, StoreContract, fill

BYTES = "application/octet-stream"


def filled() -> tuple[MemoryStore, Sample, Reference]:
    """Return a store, what is in it, and its image by digest."""
    memory = MemoryStore()
    content = fill(memory)
    return memory, content, Reference.parse(f"example.com/app@{content.image.digest}")


async def begun(memory: MemoryStore, reference: Reference, *, cache: MemoryCache | None = None) -> EarlyStore:
    """Return a store that was asked for a reference, when nothing more comes of that."""
    # As registries announce them.
    for listing in memory.listings.values():
        listing[:] = [replace(each, descriptor=announced(memory, each.descriptor)) for each in listing]
    store = EarlyStore(memory, (SIGNATURE,), cache)
    store.ask(reference)
    for _ in range(20):
        await asyncio.sleep(0)
    return store


def announced(memory: MemoryStore, what: Descriptor) -> Descriptor:
    """Return a descriptor with the artifact type that the manifest itself states."""
    kind = json.loads(memory.manifests[what.digest]).get("artifactType")
    return replace(what, artifact_type=kind)


def fetched(memory: MemoryStore) -> Counter[str]:
    """Return how often each manifest and blob was asked for."""
    return Counter(what for method, what in memory.calls if method.startswith("fetch"))


class TestEarlyReading(StoreContract):
    """It does what every store has to do when it has read the signature already."""

    @pytest.fixture
    async def case(self) -> StoreCase:
        """Return the store, asked early."""
        memory, content, _ = filled()
        reference = Reference.parse("example.com/app:v1")
        return StoreCase(await begun(memory, reference), reference, content)


@pytest.mark.parametrize("form", ["example.com/app:v1", "example.com/app@{}", "example.com/app:v1@{}"])
async def test_the_first_signature_is_read_with_its_layers_and_asked_for_once(form: str) -> None:
    """By tag, by digest and by both; what comes behind it in the listing is not read."""
    memory, content, by_digest = filled()
    store = await begun(memory, Reference.parse(form.format(content.image.digest)))
    (layer,) = (Digest.of(content.payload),)
    assert fetched(memory) == {content.signature.digest: 1, layer: 1}
    reading = Content(store)
    assert await reading.manifest(by_digest, content.signature)
    what = Descriptor(BYTES, layer, len(content.payload))
    assert await reading.blob(by_digest, what) == content.payload
    assert fetched(memory) == {content.signature.digest: 1, layer: 1}
    assert len([each async for each in store.referrers(by_digest)]) == 2
    assert [method for method, _ in memory.calls].count("referrers") == 1
    await store.aclose()


async def test_a_signature_under_a_tag_of_cosign_is_read_too() -> None:
    """It announces no type."""
    memory = MemoryStore()
    image = memory.add_image()
    memory.attach(image, "", (BYTES, b"payload"), discovery=Discovery.COSIGN_TAG)
    store = await begun(memory, Reference.parse(f"example.com/app@{image.digest}"))
    assert Digest.of(b"payload") in fetched(memory)
    await store.aclose()


async def test_nothing_is_read_of_what_is_no_signature_and_of_what_comes_later() -> None:
    """An engine asks for what it needs of these itself."""
    memory = MemoryStore()
    image = memory.add_image()
    memory.attach(image, "application/vnd.example.other", (BYTES, b"other"))
    memory.attach(image, SIGNATURE, (BYTES, b"payload"))
    store = await begun(memory, Reference.parse(f"example.com/app@{image.digest}"))
    assert not fetched(memory)
    await store.aclose()


async def test_what_is_large_is_not_read() -> None:
    """It takes a slot of the engine."""
    memory = MemoryStore()
    image = memory.add_image()
    at_most, over = b"x" * LARGE, b"x" * (LARGE + 1)
    signature = memory.attach(image, SIGNATURE, (BYTES, over), (BYTES, at_most))
    store = await begun(memory, Reference.parse(f"example.com/app@{image.digest}"))
    assert fetched(memory) == {signature.digest: 1, Digest.of(at_most): 1}
    await store.aclose()
    other = memory.add_image("other", b"other")
    memory.attach(other, SIGNATURE, (BYTES, at_most), annotations={"long": "x" * LARGE})
    memory.calls.clear()
    await (await begun(memory, Reference.parse(f"example.com/app@{other.digest}"))).aclose()
    assert not fetched(memory)


async def test_of_many_layers_few_are_read_and_of_equal_ones_one() -> None:
    """An artifact may name as many as it likes."""
    memory = MemoryStore()
    image = memory.add_image()
    layers = [(BYTES, b"same")] * 2 + [(BYTES, bytes([number])) for number in range(90)]
    memory.attach(image, SIGNATURE, *layers)
    store = await begun(memory, Reference.parse(f"example.com/app@{image.digest}"))
    assert list(fetched(memory).values()) == [1] * 4
    await store.aclose()


async def test_what_is_in_the_cache_is_not_asked_for() -> None:
    """Neither the manifest nor its layers."""
    memory, content, by_digest = filled()
    cache = MemoryCache(1 << 20)
    signature, payload = content.signature.digest, Digest.of(content.payload)
    cache.put(content_key("", by_digest, "manifest", signature), memory.manifests[signature])
    store = await begun(memory, by_digest, cache=cache)
    assert fetched(memory) == {payload: 1}
    await store.aclose()
    cache.put(content_key("", by_digest, "blob", payload), content.payload)
    memory.calls.clear()
    await (await begun(memory, by_digest, cache=cache)).aclose()
    assert not fetched(memory)


async def test_a_manifest_that_is_another_than_announced_leads_to_no_further_request() -> None:
    """And the engine is given it, and refuses it."""
    memory, content, by_digest = filled()
    memory.manifests[content.signature.digest] += b" "
    store = await begun(memory, by_digest)
    assert fetched(memory) == {content.signature.digest: 1}
    with pytest.raises(StoreError) as error:
        await Content(store).manifest(by_digest, content.signature)
    assert error.value.reason is Reason.SIZE_MISMATCH
    await store.aclose()


@pytest.mark.parametrize("taken", [True, False])
async def test_an_error_of_early_reading_reaches_the_first_who_asks_and_is_not_logged(
    taken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one asks the store again."""
    memory, content, by_digest = filled()
    what = Descriptor(BYTES, Digest.of(content.payload), len(content.payload))
    memory.faults["fetch_blob"] = StoreError(Reason.TIMEOUT, "too slow")
    store = await begun(memory, by_digest)
    if taken:
        with pytest.raises(StoreError, match="too slow"):
            await store.fetch_blob(by_digest, what, what.size)
        memory.faults.clear()
        assert await store.fetch_blob(by_digest, what, what.size) == content.payload
    await store.aclose()
    assert caplog.text == ""


async def test_with_another_limit_the_store_itself_is_asked() -> None:
    """It may refuse what was read with a higher one."""
    memory, content, by_digest = filled()
    store = await begun(memory, by_digest)
    what = Descriptor(BYTES, Digest.of(content.payload), len(content.payload))
    await store.fetch_blob(by_digest, what, what.size - 1)
    assert fetched(memory)[what.digest] == 2
    await store.aclose()


async def test_reading_that_never_ends_is_ended_with_the_store() -> None:
    """A registry that does not answer must not hold the end of the program."""
    ended = asyncio.Event()

    class Silent(MemoryStore):
        """Never delivers a blob."""

        async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return b""

    memory = Silent()
    content = fill(memory)
    store = await begun(memory, Reference.parse(f"example.com/app@{content.image.digest}"))
    assert not ended.is_set()
    await store.aclose()
    assert ended.is_set()
