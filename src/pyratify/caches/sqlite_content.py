"""A cache of content on disk, shared by programs that run once and end.

`core.content` hashes what comes out again, so the file need not be trusted; only content by digest is kept.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_BUSY = 0.25  # seconds that one program waits for another's lock before it treats the cache as a miss
_MAX_KEY = 2048
_ENTRY = 128  # bytes that an entry takes besides key and data, with its place in the index
_SHARE = 8  # no entry takes more than this part of the cache
_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (
    key TEXT PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS content_used ON content (used, size);
"""


class SqliteCache:
    """A least-recently-used cache in an sqlite file; safe between threads of one loop and between processes.

    Every fault of the file or of the database is a miss, never an error. The file is opened at the first use, belongs
    to its user alone (mode 0600, its folder 0700) and is not used when it is a link or has another owner.

    Args:
        path: The file.
        max_bytes: The most that all entries together may hold.
    """

    def __init__(self, path: str | Path, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._broken = False

    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None."""
        connection = self._open()
        if connection is None or len(key) > _MAX_KEY:
            return None
        data = None
        with suppress(Exception):  # whatever is wrong with a cache, it is a miss
            (data,) = connection.execute("SELECT data FROM content WHERE key = ?", (key,)).fetchone() or (
                None,
            )
            if data is not None:
                self._touch(connection, key)
        return data if isinstance(data, bytes) else None

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes and forget what was not used for longest, or do not keep them."""
        connection = self._open()
        if connection is None or len(key) > _MAX_KEY or len(data) > self._max_bytes // _SHARE:
            return
        with suppress(Exception), connection:
            # IMMEDIATE: a read lock that is upgraded later fails at once where another program writes.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                # A counter, not a time: a clock that is set back would turn the order around.
                "INSERT OR REPLACE INTO content VALUES (?, ?, (SELECT ifnull(max(used), 0) + 1 FROM content), ?)",
                (key, len(key) + len(data) + _ENTRY, data),
            )
            self._evict(connection)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        """Close the file: engines are given a cache and do not close it."""
        self.close()

    def _touch(self, connection: "sqlite3.Connection", key: str) -> None:
        """Note the use, unless the entry is among the newest already: most reads then write nothing."""
        connection.execute(
            "UPDATE content SET used = (SELECT max(used) + 1 FROM content)"
            " WHERE key = ? AND used < (SELECT max(used) FROM content) - 64",
            (key,),
        )

    def _evict(self, connection: "sqlite3.Connection") -> None:
        (total,) = connection.execute("SELECT ifnull(sum(size), 0) FROM content").fetchone()
        if total <= self._max_bytes:
            return
        oldest = iter(connection.execute("SELECT key, size FROM content ORDER BY used").fetchall())
        while total > self._max_bytes * 3 // 4:  # a quarter at once: not every entry then costs an eviction
            key, size = next(oldest)
            connection.execute("DELETE FROM content WHERE key = ?", (key,))
            total -= size

    def _open(self) -> "sqlite3.Connection | None":
        if self._connection is None and not self._broken:
            try:
                self._connection = _connect(self._path)
            except Exception:  # noqa: BLE001 - a cache that cannot be opened is no cache
                # Once: without this every look-up of a validation would wait for the same fault.
                self._broken = True
        return self._connection


def _connect(path: Path) -> "sqlite3.Connection":
    # Lazy: processes without this cache need no sqlite.
    import sqlite3

    _make_folder(path.parent)
    # The folder first: in one that others may write to, the file can be exchanged at any time.
    _check_owner(path.parent.lstat(), folder=True)
    # O_NOFOLLOW: sqlite itself would follow a link to another file of this user and write to it.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _check_owner(os.fstat(file), folder=False)
    finally:
        os.close(file)
    # Autocommit: transactions are begun where they are needed.
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        # WAL: readers do not wait for a writer.
        connection.execute("PRAGMA journal_mode = WAL")
        # A file that a power failure corrupts is a miss; waiting for the disk would cost every entry.
        connection.execute("PRAGMA synchronous = OFF")
        # A prepared file could call functions from its triggers and views.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.executescript(_SCHEMA)
    except Exception:
        connection.close()
        raise
    return connection


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        # One by one: `mkdir(parents=True)` gives those above the default mode.
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _check_owner(status: os.stat_result, *, folder: bool) -> None:
    """Refuse what another user could have prepared: another owner, write access for others, or no regular file."""
    expected = stat.S_ISDIR if folder else stat.S_ISREG
    if not expected(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError("the cache has another owner, or others may write to it")
