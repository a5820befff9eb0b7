"""`ratify node install containerd`: the program in bin_dir and the settings of containerd, and how both are undone."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import FileChange, text_of
from pyratify.entrypoints.node.containerd import ratify_containerd_verifier
from pyratify.entrypoints.node.containerd.containerd_names import BIN_DIR, PLUGIN, PROGRAM
from pyratify.entrypoints.node.containerd.containerd_settings import (
    NEWEST,
    ContainerdSettings,
    parse_toml,
    read_settings,
)
from pyratify.entrypoints.node.containerd.settings_block import SettingsBlock

MARK = "Asks the daemon of this node for containerd"
_BLOCK = SettingsBlock("ratify node install containerd", PLUGIN)
_SHARE = 0.95  # of containerd's timeout; the rest is for the start of the program
# No other program, which may take the rest for permission, and no other option.
_INTERPRETER = re.compile(r"#!/[^\s]*(?:python|pypy)[^\s/]* -IS")
SETTINGS = ("SOCKET", "SECONDS", "OWNERS", "WITHOUT_DAEMON")


def plan(arguments: Namespace) -> Iterator[FileChange]:
    """Iterate over the changes that install the program, or undo that.

    Raises:
        ConfigurationError: containerd's configuration cannot be read, or the flags do not go together.
    """
    path = Path(arguments.containerd_config)
    settings = read_settings(path)
    # As the flag's user means it; containerd would look for it in its own folder, and allow everything where there is none.
    folder = Path(arguments.bin_dir).absolute() if arguments.bin_dir else settings.bin_dir
    yield from _undo(path, folder) if arguments.undo else _install(arguments, settings, folder)


def program(arguments: Namespace, seconds: float) -> str:
    """Return the text of the program, with these settings.

    Args:
        arguments: The flags.
        seconds: After how many seconds containerd kills it.
    """
    values = {
        "SOCKET": json.dumps(str(Path(arguments.socket).absolute())),
        "SECONDS": f"{seconds * _SHARE:g}",
        "OWNERS": f"(0, {arguments.daemon_uid})" if arguments.daemon_uid else "(0,)",
        "WITHOUT_DAEMON": repr(_fallback(arguments)),
    }
    lines = Path(ratify_containerd_verifier.__file__).read_text().splitlines(keepends=True)
    text = "".join(_setting(line, values) for line in lines)
    # I ignores PYTHON* variables, which containerd passes on; S saves the 25 ms that `site` costs each pull.
    # With I and S in one word: the kernel passes them as one argument.
    return f"#!{arguments.python} -IS\n" + text.partition("\n")[2]


def is_unchanged(text: str) -> bool:
    """Return whether a program is the one that this version writes, whatever its settings are."""
    own = Path(ratify_containerd_verifier.__file__).read_text().splitlines()[1:]
    given = text.splitlines()[1:]
    # Line by line: a setting that is written twice would be run both times, and only one of them is read by a check.
    return (
        _INTERPRETER.fullmatch(text.partition("\n")[0]) is not None
        and len(given) == len(own)
        and all(map(_is_written, given, own))
    )


def _is_written(given: str, own: str) -> bool:
    name = _set_by(own)
    return given == own if name is None else given.startswith(f"{name} = ")


def _setting(line: str, values: dict[str, str]) -> str:
    name = _set_by(line)
    return line if name is None else f"{name} = {values[name]}\n"


def _set_by(line: str) -> str | None:
    """Return the setting that a line of the program is; None for any other line."""
    name = line.partition(" = ")[0].partition(":")[0]
    return name if name in SETTINGS and line[:1] != " " else None


def _fallback(arguments: Namespace) -> tuple[str, ...]:
    if arguments.on_daemon_missing == "refuse":
        return ()
    if not arguments.config:
        raise ConfigurationError(
            "--on-daemon-missing verify needs a configuration", remedy="Give it by its full path: -c FILE."
        )
    command = (sys.executable, "-I", "-m", "pyratify", "node", "verify")
    state = str(Path(arguments.state).absolute()) if arguments.state else ""
    return (*command, "-c", str(Path(arguments.config).absolute()), "--state", state)


def _install(arguments: Namespace, settings: ContainerdSettings, folder: Path) -> Iterator[FileChange]:
    if not settings.is_known:
        raise ConfigurationError(
            f"{settings.path} has version {settings.version}, and {NEWEST} is the newest that is known",
            remedy="Install a version of pyratify that knows this containerd.",
        )
    if not folder.is_absolute():
        raise ConfigurationError(
            f"bin_dir is {str(folder)!r}, no absolute path, so what it is depends on containerd's folder",
            remedy=f'Write an absolute path in {settings.path}, as bin_dir = "{BIN_DIR}".',
        )
    if not Path(arguments.python).is_file():
        raise ConfigurationError(
            f"--python: there is no interpreter {arguments.python}",
            remedy="Name one of Python 3.11 or newer by its full path.",
        )
    if not 0.5 <= settings.seconds <= 60:
        raise ConfigurationError(
            f"per_verifier_timeout is {settings.seconds:g} seconds",
            remedy="Set it from 0.5s to 60s in containerd's configuration; 10s is its default.",
        )
    target = folder / PROGRAM
    # Staged beside bin_dir, not in it: containerd would run a temporary file as one more verifier.
    yield FileChange(
        path=target,
        before=text_of(target),
        after=program(arguments, settings.seconds),
        mode=0o755,
        staging=folder.parent,
    )
    yield _configured(settings, folder)


def _configured(settings: ContainerdSettings, folder: Path) -> FileChange:
    """Return the change that names bin_dir, where no setting names it yet."""
    before = text_of(settings.path)
    if settings.verifier and folder == settings.bin_dir:
        return FileChange(path=settings.path, before=before, after=before)
    if settings.verifier:
        raise ConfigurationError(
            f"the settings of {PLUGIN} have bin_dir {settings.bin_dir}, and the program goes to {folder}",
            remedy=f'Set bin_dir = "{folder}" in {settings.path} or what it imports, or leave --bin-dir out.',
        )
    # containerd runs the plugin with its defaults where no file says anything.
    if not settings.exists and folder == settings.bin_dir:
        return FileChange(path=settings.path, before=None, after=None)
    text = f'[plugins."{PLUGIN}"]\n  bin_dir = {json.dumps(str(folder))}\n'
    return FileChange(path=settings.path, before=before, after=_BLOCK.appended(settings.path, before, text))


def _undo(path: Path, folder: Path) -> Iterator[FileChange]:
    target = folder / PROGRAM
    found = text_of(target)
    if found is not None and MARK not in found:
        raise ConfigurationError(
            f"{target} is not the program that `ratify node install containerd` writes",
            remedy="Look at it, and remove it by hand.",
        )
    # The settings first: from then on the program is not needed.
    before = text_of(path)
    yield FileChange(path=path, before=before, after=_BLOCK.removed(path, before))
    if found is not None:
        yield FileChange(path=target, before=found, after=None)


def check_result(changes: tuple[FileChange, ...]) -> None:
    """Read the changed configuration again, as containerd will.

    Raises:
        ConfigurationError: It is no TOML any more.
    """
    for change in changes:
        if change.path.suffix == ".toml" and change.after is not None:
            parse_toml(change.path)
