"""The cache of content that outlives a run."""

import os
from argparse import Namespace
from pathlib import Path

from pyratify.core.caching import ContentCache


def disk_cache(arguments: Namespace) -> ContentCache | None:
    """Return the cache that outlives the run, or None with `--no-cache` or where there is no folder for it."""
    if arguments.no_cache:
        return None
    from pyratify.caches.sqlite_content import SqliteCache

    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # no home; the run works without a cache
        return None
    folder = Path(home)
    # The XDG Base Directory Specification has relative paths ignored.
    return SqliteCache(folder / "ratify" / "content.sqlite") if folder.is_absolute() else None
