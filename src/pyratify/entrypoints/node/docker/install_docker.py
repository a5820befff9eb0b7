"""`ratify node install docker`: the plugin's address and the daemon's setting, and how both are undone."""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import FileChange, text_of

PLUGIN = "ratify"
_KEY = "authorization-plugins"


def plan(arguments: Namespace) -> Iterator[FileChange]:
    """Iterate over the changes that have the Docker daemon ask before it acts, or undo that.

    Raises:
        ConfigurationError: The daemon's configuration cannot be read, or is no JSON object.
    """
    path = Path(arguments.docker_config)
    before = text_of(path)
    document = parse_daemon_config(path, before)
    names = list(document.get(_KEY) or ())
    # A spec and no socket in /run/docker/plugins: the daemon makes /run/docker for root alone, and ratify is not root.
    spec = Path(arguments.plugins_dir) / f"{PLUGIN}.spec"
    address = f"unix://{Path(arguments.docker).absolute()}\n"
    if arguments.undo:
        # The setting first: a daemon that has it and finds no plugin refuses everything.
        rest = [name for name in names if name != PLUGIN]
        after = {key: value for key, value in document.items() if key != _KEY or rest}
        yield _change(path, before, after | ({_KEY: rest} if rest else {}), differs=rest != names)
        yield FileChange(path=spec, before=text_of(spec), after=None)
        return
    yield FileChange(path=spec, before=text_of(spec), after=address)
    # The last one: the first refusal ends the row, and what earlier plugins refuse needs no registry.
    yield _change(path, before, document | {_KEY: [*names, PLUGIN]}, differs=PLUGIN not in names)


def check_result(changes: tuple[FileChange, ...]) -> None:
    """Read the changed configuration again, as the daemon will.

    Raises:
        ConfigurationError: It is no JSON any more.
    """
    for change in changes:
        if change.path.suffix == ".json" and change.after is not None:
            parse_daemon_config(change.path, text_of(change.path))


def parse_daemon_config(path: Path, text: str | None) -> dict[str, Any]:
    """Return the document of a `daemon.json`; an empty one where there is none.

    Raises:
        ConfigurationError: It is no JSON object, or its plugins are no list of names.
    """
    try:
        found = json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise _unusable(path, f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise _unusable(path, "is no JSON object")
    names = found.get(_KEY) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _unusable(path, f"has {_KEY} that are no list of names")
    return found


def _change(path: Path, before: str | None, after: dict[str, Any], *, differs: bool) -> FileChange:
    if not differs:
        return FileChange(path=path, before=before, after=before)
    # Written anew as a whole: JSON has no comments that would be lost.
    return FileChange(path=path, before=before, after=json.dumps(after, indent=2) + "\n" if after else None)


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path} {why}", remedy="Docker does not start with it; correct it first.")
