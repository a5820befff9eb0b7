"""The cache of content on disk: kept, bounded, shared, and never an error."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SqliteCache]:
    """A cache of 8000 bytes, at most 1000 for each entry."""
    cache = SqliteCache(tmp_path / "cache" / "content.db", max_bytes=8000)
    yield cache
    cache.close()


def reopened(tmp_path: Path) -> SqliteCache:
    """Return another program's view of the cache."""
    return SqliteCache(tmp_path / "cache" / "content.db", max_bytes=8000)


def test_what_is_put_can_be_had_by_the_next_program(tmp_path: Path, cache: SqliteCache) -> None:
    """Content survives, byte by byte, and later content replaces earlier."""
    assert cache.get("key") is None
    cache.put("key", b"old")
    cache.put("key", b"\x00\xff")
    cache.put("empty", b"")
    cache.close()
    other = reopened(tmp_path)
    assert other.get("key") == b"\x00\xff"
    assert other.get("empty") == b""
    assert cache.get("key") == b"\x00\xff"
    other.close()


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    """A program that reads nothing makes no file; closing what was never opened is nothing."""
    SqliteCache(tmp_path / "cache" / "content.db").close()
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_bounded_and_what_was_used_last_stays(tmp_path: Path) -> None:
    """The oldest go first; reading keeps an entry young; many small ones are not free."""
    cache = SqliteCache(tmp_path / "cache" / "content.db", max_bytes=40_000)
    cache.put("first", bytes(4000))
    cache.put("second", bytes(4000))
    for number in range(4):
        cache.put(f"large {number}", bytes(4000))
    for number in range(200):
        cache.put(f"small {number}", bytes(1))
        cache.get("first")
    cache.put("large 6", bytes(4000))
    assert cache.get("second") is None
    assert cache.get("first") == bytes(4000)
    assert cache.get("large 6") == bytes(4000)
    assert sum(cache.get(f"small {number}") is not None for number in range(200)) <= 40_000 // 128
    assert size(cache, tmp_path / "cache" / "content.db") <= 40_000
    cache.close()


def size(cache: SqliteCache, path: Path) -> int:
    """Return how many bytes all entries hold."""
    cache.close()
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT sum(length(data)) FROM content").fetchone()[0])
    finally:
        connection.close()


def test_what_is_too_large_is_not_kept(cache: SqliteCache) -> None:
    """One entry does not drive out all others, and a key is no place to keep content."""
    cache.put("small", b"x")
    cache.put("large", bytes(1001))
    cache.put("k" * 2049, b"x")
    assert cache.get("large") is None
    assert cache.get("k" * 2049) is None
    assert cache.get("small") == b"x"


@pytest.mark.parametrize(
    "content",
    [b"", b"not a database, but longer than the header of one" * 100, b"SQLite format 3\0" + bytes(4000)],
    ids=["empty", "text", "damaged"],
)
def test_a_damaged_file_is_a_miss(tmp_path: Path, cache: SqliteCache, content: bytes) -> None:
    """Whatever lies there, nothing is raised."""
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache" / "content.db").write_bytes(content)
    (tmp_path / "cache" / "content.db").chmod(0o600)
    cache.put("key", b"data")
    assert cache.get("key") in (None, b"data")


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE content",
        "UPDATE content SET data = 'text'",
        "UPDATE content SET data = 7",
        "DELETE FROM content",
        "CREATE TRIGGER t BEFORE INSERT ON content BEGIN SELECT raise(ABORT, 'no'); END; DELETE FROM content",
    ],
)
def test_a_database_that_was_changed_is_a_miss(tmp_path: Path, cache: SqliteCache, change: str) -> None:
    """Another table, other types: nothing but bytes ever comes out, and nothing is raised."""
    cache.put("key", b"data")
    connection = sqlite3.connect(tmp_path / "cache" / "content.db")
    connection.executescript(change)
    connection.close()
    assert cache.get("key") is None
    cache.put("other", b"data")
    assert cache.get("other") in (None, b"data")


def test_a_lock_held_by_another_program_is_a_miss(tmp_path: Path, cache: SqliteCache) -> None:
    """No call waits for long: reading goes on, and what cannot be written is not kept."""
    cache.put("key", b"data")
    other = sqlite3.connect(tmp_path / "cache" / "content.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put("new", b"data")
    assert cache.get("key") == b"data"
    assert cache.get("new") is None
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("place", ["file/content.db", "/proc/none/content.db"])
def test_a_place_that_cannot_be_used_is_no_cache(tmp_path: Path, place: str) -> None:
    """A path through a file, or where nothing can be made."""
    (tmp_path / "file").touch()
    cache = SqliteCache(tmp_path / place)
    cache.put("key", b"data")
    assert cache.get("key") is None
    cache.close()


def test_many_programs_may_write_at_once(tmp_path: Path) -> None:
    """Four processes that write and read the same cache disturb one another in nothing."""
    program = (
        "import sys; from pyratify.caches.sqlite_content import SqliteCache\n"
        "cache = SqliteCache(sys.argv[1])\n"
        "for n in range(50):\n"
        "    cache.put(f'{n}', b'%d' % n); assert cache.get(f'{n}') in (None, b'%d' % n)\n"
        "cache.close()\n"
    )
    path = tmp_path / "cache" / "content.db"
    command = [sys.executable, "-c", program, str(path)]
    running = [subprocess.Popen(command, env={**os.environ}) for _ in range(4)]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    cache = SqliteCache(path)
    assert cache.get("49") == b"49"
    cache.close()


def test_sqlite_is_not_imported_before_it_is_needed() -> None:
    """A program without a cache does not pay for one."""
    program = "import sys, pyratify.caches.sqlite_content; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_a_second_run_reads_nothing_from_the_store_but_names_and_lists(tmp_path: Path) -> None:
    """Manifests come from the cache."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    for _ in range(2):
        cache = SqliteCache(tmp_path / "cache" / "content.db")
        executor = Executor(store=store, verifiers=(FakeVerifier(),), cache=cache)
        result = await executor.validate(Reference.parse("example.com/app:v1"))
        assert result.artifacts[0].results[0].passed
        cache.close()
    assert [method for method, _ in store.calls].count("fetch_manifest") == 1
