"""Content: bounded, checked, cached and shared."""

import asyncio

import pytest

from pyratify.core.caching import MemoryCache
from pyratify.core.content import Content, check_content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, StoreError, VerificationError
from pyratify.core.limits import Limits
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.testing.memory import MemoryStore

REFERENCE = Reference.parse("example.com/app:v1")
OTHER = Reference.parse("example.com/other:v1")


def described(data: bytes, size: int | None = None) -> Descriptor:
    """Return what the data are, or are said to be."""
    return Descriptor("text/plain", Digest.of(data), len(data) if size is None else size)


def test_content_must_be_what_its_descriptor_says() -> None:
    """Size and digest are both checked, the size first."""
    check_content(b"data", described(b"data"))
    with pytest.raises(StoreError) as caught:
        check_content(b"data!", described(b"data"))
    assert caught.value.reason is Reason.SIZE_MISMATCH
    with pytest.raises(StoreError) as caught:
        check_content(b"date", described(b"data"))
    assert caught.value.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("kind", ["manifest", "blob"])
async def test_documents_over_their_limit_are_not_even_asked_for(kind: str) -> None:
    """What a descriptor announces as too large, or as negative, is refused without a request."""
    store = MemoryStore()
    content = Content(store, Limits(manifest_bytes=3, blob_bytes=3))
    read = content.manifest if kind == "manifest" else content.blob
    for size in (4, -1):
        with pytest.raises(StoreError) as caught:
            await read(REFERENCE, described(b"data", size))
        assert caught.value.reason is Reason.SIZE_EXCEEDED
    assert store.calls == []


async def test_all_documents_together_have_a_limit() -> None:
    """The bound on one validation counts every document that is read, cached or delivered unasked."""
    store = MemoryStore()
    blob = store.add_blob(b"1234")
    content = Content(store, Limits(total_bytes=10), MemoryCache())
    await content.blob(REFERENCE, blob)
    assert await content.blob(REFERENCE, blob) == b"1234"
    for read in (lambda: content.accept(b"1234", blob), lambda: content.accept(b"1234", blob)):
        with pytest.raises(StoreError) as caught:
            await read()
        assert caught.value.reason is Reason.SIZE_EXCEEDED


async def test_what_a_store_delivers_unasked_is_checked_alike() -> None:
    """Bytes that came with the listing are bounded and hashed."""
    content = Content(MemoryStore(), Limits(manifest_bytes=4))
    assert await content.accept(b"data", described(b"data")) == b"data"
    for data, said, reason in (
        (b"data!", b"data!", Reason.SIZE_EXCEEDED),
        (b"date", b"data", Reason.DIGEST_MISMATCH),
        (b"dat", b"data", Reason.SIZE_MISMATCH),
    ):
        with pytest.raises(StoreError) as caught:
            await content.accept(data, described(said))
        assert caught.value.reason is reason


async def test_what_is_cached_is_not_fetched_again() -> None:
    """The second validation reads from the cache; another repository or partition does not."""
    store, cache = MemoryStore(), MemoryCache()
    blob = store.add_blob(b"data")
    for partition, reference in (("", REFERENCE), ("", REFERENCE), ("", OTHER), ("team", REFERENCE)):
        assert await Content(store, cache=cache, partition=partition).blob(reference, blob) == b"data"
    assert len(store.calls) == 3


@pytest.mark.parametrize("poison", [b"date", b"data and more", b""])
async def test_a_poisoned_cache_is_a_miss(poison: bytes) -> None:
    """What comes out of the cache is hashed; what does not match is fetched again."""

    class Poisoned:
        def __len__(self) -> int:
            return 0

        def get(self, key: str) -> bytes | None:
            return poison

        def put(self, key: str, data: bytes) -> None:
            self.kept = data

    store, cache = MemoryStore(), Poisoned()
    blob = store.add_blob(b"data")
    assert await Content(store, cache=cache).blob(REFERENCE, blob) == b"data"
    assert cache.kept == b"data"


async def test_bad_content_is_never_cached() -> None:
    """Only what was checked is kept."""
    store, cache = MemoryStore(), MemoryCache()
    blob = store.add_blob(b"data")
    store.blobs[blob.digest] = b"date"
    with pytest.raises(StoreError):
        await Content(store, cache=cache).blob(REFERENCE, blob)
    store.blobs[blob.digest] = b"data"
    assert await Content(store, cache=cache).blob(REFERENCE, blob) == b"data"


async def test_a_wrong_size_does_not_spoil_the_download_of_the_right_one() -> None:
    """Two who ask at the same time for one digest, one with a false size, get one answer and one refusal."""

    class Slow(MemoryStore):
        async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            await asyncio.sleep(0)
            return (await super().fetch_blob(reference, descriptor, limit))[:limit]

    store = Slow()
    blob = store.add_blob(b"data")
    content = Content(store)
    false, true = await asyncio.gather(
        content.blob(REFERENCE, described(b"data", 2)),
        content.blob(REFERENCE, blob),
        return_exceptions=True,
    )
    assert true == b"data"
    assert isinstance(false, StoreError)
    assert false.reason is Reason.DIGEST_MISMATCH or false.reason is Reason.SIZE_MISMATCH


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (StoreError(Reason.NOT_FOUND, "x"), Reason.NOT_FOUND),
        (VerificationError(Reason.SIG_INVALID, "x"), Reason.SIG_INVALID),
        (ValueError("x"), Reason.INTERNAL),
        (SystemExit(0), Reason.INTERNAL),
        (asyncio.CancelledError(), Reason.INTERNAL),
        (MemoryError(), Reason.INTERNAL),
    ],
)
async def test_whatever_a_store_raises_is_the_stores_fault(raised: Exception, reason: Reason) -> None:
    """A store can neither fail an artifact nor end the process."""
    store = MemoryStore(faults={"fetch_blob": raised})
    with pytest.raises(StoreError) as caught:
        await Content(store).blob(REFERENCE, described(b"data"))
    assert caught.value.reason is reason


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "1", None])
def test_limits_are_whole_numbers_above_zero(value: object) -> None:
    """A limit that bounds nothing, or everything, is a fault of the configuration."""
    with pytest.raises(ConfigurationError, match="limits: depth"):
        Limits(depth=value)  # type: ignore[arg-type]
