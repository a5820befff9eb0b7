"""The files that belong to a configuration: those beside it, and those that it names."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pyratify.config.load import LoadedConfig

State = tuple[str, int, int]
_BESIDE = frozenset({".cer", ".crt", ".json", ".key", ".pem", ".pub", ".yaml", ".yml"})
# A wrong path, as `/`, must not make every refresh walk a disk.
_MAX_FILES = 1000
_MAX_DEPTH = 8


def beside(folder: Path) -> Iterator[State]:
    """Iterate over the state of keys, certificates and documents in a folder, links followed."""
    try:
        paths = [path for path in folder.iterdir() if path.suffix in _BESIDE][:_MAX_FILES]
    except OSError:
        return
    for path in paths:
        found = _status(path)
        if found is not None:
            yield path.name, found.st_size, found.st_mtime_ns


def named(loaded: LoadedConfig) -> tuple[Path, ...]:
    """Return the files that parameters name, and the folders that those of verifiers and policies do.

    Only a plugin knows which of its parameters are paths, so every text that is the path of an existing file counts.
    """
    found: dict[Path, None] = {}
    for executor in loaded.config.executors:
        policy = () if executor.policy_enforcer is None else (executor.policy_enforcer,)
        for plugin in (*executor.verifiers, *policy):
            found |= dict.fromkeys(_there(plugin.parameters, loaded.base, folders=True))
        for store in executor.stores:  # an image layout in a folder is content, not configuration
            found |= dict.fromkeys(_there(store.parameters, loaded.base, folders=False))
    return tuple(found)


def states(paths: Iterable[Path]) -> Iterator[State]:
    """Iterate over the state of files, and of those in folders down to a bound; a missing one has the size -1."""
    yield from islice((each for path in paths for each in _states(path, 0)), _MAX_FILES)


def _states(path: Path, depth: int) -> Iterator[State]:
    found = _status(path)
    if found is None:
        # Also what is missing has a state: its appearance is a change.
        yield str(path), -1, -1
    elif not stat.S_ISDIR(found.st_mode):
        yield str(path), found.st_size, found.st_mtime_ns
    elif depth < _MAX_DEPTH:
        for each in _within(path):
            yield from _states(each, depth + 1)


def _within(folder: Path) -> list[Path]:
    """Return the entries of a folder that are not hidden: Kubernetes swaps a mount through hidden links."""
    try:
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError:
        return []


def _there(value: Any, base: Path, *, folders: bool) -> Iterator[Path]:
    if isinstance(value, str):
        path = base / value
        found = _status(path) if value else None
        if found is not None and (folders or not stat.S_ISDIR(found.st_mode)):
            yield path
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _there(each, base, folders=folders)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    # ValueError: a NUL in a text that is no path at all.
    except (OSError, ValueError):
        return None
