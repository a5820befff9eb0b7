"""Attacks on caches: sharing, poisoning, flooding and clocks."""

import json
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore

APP = Reference.parse("example.com/app:v1")
POLICY = ThresholdPolicy(Rule(None, (Rule("fake"),), 1))


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContentCache]:
    """Each kind of cache."""
    if request.param == "memory":
        yield MemoryCache()
        return
    cache = SqliteCache(tmp_path / "cache" / "content.db")
    yield cache
    cache.close()


@dataclass
class Private(MemoryStore):
    """A store that delivers content only to clients with a credential."""

    allowed: bool = True

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Refuse those without a credential."""
        if not self.allowed:
            raise StoreError(Reason.REGISTRY_AUTH, "no credential was shown")
        return await super().fetch_manifest(reference, descriptor, limit)


async def validated(store: MemoryStore, cache: ContentCache, partition: str = "") -> ValidationResult:
    """Validate the same image through a cache."""
    executor = Executor(
        store=store, verifiers=(FakeVerifier(),), policy=POLICY, cache=cache, partition=partition
    )
    return await executor.validate(APP)


async def test_atk_250_content_of_one_credential_is_not_anothers(cache: ContentCache) -> None:
    """What was read with a credential is not delivered from the cache to a client without one."""
    owner = Private()
    owner.attach(owner.add_image(), "application/test")
    stranger = Private(**{**vars(owner), "allowed": False, "calls": []})
    assert (await validated(owner, cache, "owner")).succeeded
    result = await validated(stranger, cache, "stranger")
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_AUTH
    assert (await validated(owner, cache, "owner")).succeeded


async def test_atk_250_no_verdict_is_shared_between_policies(cache: ContentCache) -> None:
    """A stricter executor decides for itself, whatever another one allowed with the same content."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    assert (await validated(store, cache)).succeeded
    strict = ThresholdPolicy(Rule(None, (Rule("strict"),), 1))
    executor = Executor(store=store, verifiers=(FakeVerifier("strict", "other"),), policy=strict, cache=cache)
    assert (await executor.validate(APP)).decision is Decision.DENY


@dataclass
class Spy:
    """Notes what a cache is given."""

    cache: ContentCache
    keys: list[str] = field(default_factory=list)

    def get(self, key: str) -> bytes | None:
        """Ask the cache."""
        return self.cache.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Note the key."""
        self.keys.append(key)
        self.cache.put(key, data)


def forged(data: bytes) -> bytes:
    """Return other content of the same length."""
    return data.replace(b"application/test", b"application/evil")


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(forged, id="same length"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data + b" ", id="longer"),
        pytest.param(lambda data: pickle.dumps({"decision": "ALLOW"}), id="pickle"),
        pytest.param(lambda data: json.dumps({"succeeded": True}).encode(), id="verdict"),
    ],
)
async def test_atk_251_poisoned_content_is_a_miss(
    cache: ContentCache, poison: Callable[[bytes], bytes]
) -> None:
    """What comes out of a cache is hashed again; what is not the content is read from the store."""
    store = MemoryStore()
    artifact = store.attach(store.add_image(), "application/test")
    spy = Spy(cache)
    assert (await validated(store, spy)).succeeded
    assert len(spy.keys) == 1
    cache.put(spy.keys[0], poison(store.manifests[artifact.digest]))
    result = await validated(store, spy)
    assert result.succeeded
    assert result.artifacts[0].artifact.artifact_type == "application/test"
    assert [method for method, _ in store.calls].count("fetch_manifest") == 2


async def test_atk_251_only_content_is_kept(tmp_path: Path) -> None:
    """No verdict, no name and no listing is in the file, so that none can be forged there."""
    memory = MemoryStore()
    artifact = memory.attach(memory.add_image(), "application/test", ("text/plain", b"evidence"))
    folder = write_layout(memory, tmp_path / "layout", prefix="example.com/app:")
    path = tmp_path / "cache" / "content.db"
    cache = SqliteCache(path)
    executor = Executor(store=LayoutStore(folder), verifiers=(FakeVerifier(),), policy=POLICY, cache=cache)
    assert (await executor.validate(APP)).succeeded
    cache.close()
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT data FROM content").fetchall()
    connection.close()
    assert rows == [(memory.manifests[artifact.digest],)]


def test_atk_253_a_flood_of_keys_is_bounded(tmp_path: Path) -> None:
    """Entries, bytes and the length of keys are bounded."""
    cache = MemoryCache(max_bytes=100_000, max_entries=10)
    for number in range(1000):
        cache.put(f"key {number}", b"x")
    assert sum(cache.get(f"key {number}") is not None for number in range(1000)) == 10
    disk = SqliteCache(tmp_path / "cache" / "content.db", max_bytes=10_000)
    for number in range(300):
        disk.put(f"key {number}", bytes(1000))
    disk.put("k" * 100_000, b"x")
    disk.close()
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) < 200_000


async def test_atk_254_a_clock_that_jumps_changes_nothing(
    cache: ContentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content has no age: neither a clock set back nor one set forward brings out anything else."""
    import time

    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    now = time.time()
    for shift in (0, -3600, 10**9):
        monkeypatch.setattr(time, "time", lambda shift=shift: now + shift)
        assert (await validated(store, cache)).succeeded
    assert [method for method, _ in store.calls].count("fetch_manifest") == 1
    assert [method for method, _ in store.calls].count("resolve") == 3
