"""What a server keeps on the disk of its machine, so that a restart needs no registry for what it knows.

The folder holds a secret, a database of signed verdicts and one of content by digest. Write access to the databases is not
enough to forge a verdict; content is hashed when it is read.
"""

import os
import secrets
from argparse import Namespace
from pathlib import Path

from pyratify.caches.on_disk import OnDisk
from pyratify.caches.replicated import SharedCache
from pyratify.caches.shared_secret import SharedSecret
from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.limits import MIB

_SECRET, _VERDICTS, _CONTENT = "secret", "verdicts.sqlite", "content.sqlite"


def open_state(folder: str, clock: Clock) -> SharedCache:
    """Return the verdicts in a folder, which is made with a new secret where it is not there.

    Args:
        folder: The folder.
        clock: Says how old verdicts are.

    Raises:
        ConfigurationError: The folder cannot be made or written to, or its secret cannot be used.
    """
    place = Path(folder)
    remote = OnDisk(SqliteCache(place / _VERDICTS, 64 * MIB))
    return SharedCache(remote, _secret(place), clock)


def open_content_cache(flags: Namespace) -> ContentCache | None:
    """Return the content in the folder of `--state`; None without one."""
    return SqliteCache(Path(flags.state) / _CONTENT, 512 * MIB) if flags.state else None


def _secret(folder: Path) -> SharedSecret:
    path = folder / _SECRET
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: of two processes that start at once one makes it, and the other reads it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"--state: {folder} cannot be used: {error.strerror}",
            remedy="Name a folder that this user may write to, or --state '' to keep nothing.",
        ) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    # Checked like one that was there: a file system may not keep the mode that was asked for.
    return _read(path)


def _read(path: Path) -> SharedSecret:
    # lstat: a link has mode 0777, and is refused by it.
    status = path.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise ConfigurationError(
            f"--state: other users may read {path}, which signs remembered verdicts, or it is another user's",
            remedy=f"Remove the folder {path.parent}; it is made again.",
        )
    return SharedSecret.read(path)
