"""containerd's bin_dir: whether ratify's program is in it, is run, and cannot be replaced by other users."""

import ast
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import text_of
from pyratify.entrypoints.node.check.finding import Finding, fault, gap
from pyratify.entrypoints.node.check.host import Host, values_of
from pyratify.entrypoints.node.containerd.containerd_names import PROGRAM
from pyratify.entrypoints.node.containerd.containerd_settings import ContainerdSettings
from pyratify.entrypoints.node.containerd.install_containerd import MARK, SETTINGS, is_unchanged

_INSTALL = "ratify node install containerd --write"


def check_bin_dir(host: Host, settings: ContainerdSettings, socket: str) -> Iterator[Finding]:
    """Iterate over what is wrong with the folder of verifiers."""
    folder = settings.bin_dir
    if not folder.is_absolute():
        yield gap(
            folder,
            "bin_dir is no absolute path, so what it is depends on containerd's folder",
            f"Write an absolute path in {host.shown(settings.path)}, then {_INSTALL}",
        )
        return
    try:
        # As containerd sorts them (docs/image-verification.md), which decides what max_verifiers skips.
        names = sorted(entry.name for entry in host.at(folder).iterdir())
    except FileNotFoundError:
        yield gap(folder, "bin_dir is not there, and containerd then allows every image", _INSTALL)
        return
    except OSError as error:
        yield fault(folder, f"bin_dir cannot be read: {error.strerror}", "Make it a folder of root.")
        return
    if not names:
        yield gap(folder, "bin_dir is empty, and containerd then allows every image", _INSTALL)
        return
    if why := host.is_open(folder):
        yield gap(
            folder,
            f"other users may change what is in bin_dir: {why}",
            f"chown root: {folder}; chmod 0755 {folder}",
        )
    yield from _order(host, settings, names)
    for name in names:
        if name != PROGRAM:
            yield from _other(host, folder / name)
    if PROGRAM in names:
        yield from _program(host, folder / PROGRAM, settings, socket)


def _order(host: Host, settings: ContainerdSettings, names: list[str]) -> Iterator[Finding]:
    most = settings.max_verifiers
    if PROGRAM not in names:
        yield gap(settings.bin_dir, f"there is no {PROGRAM} among {', '.join(names)[:200]}", _INSTALL)
    # Below 0 there is no limit (docs/image-verification.md, Caller Contract).
    elif 0 <= most <= names.index(PROGRAM):
        yield gap(
            host.shown(settings.path),
            f"max_verifiers = {most} skips {PROGRAM}, number {names.index(PROGRAM) + 1} by name in bin_dir",
            "Take the setting out, or remove files of earlier names.",
        )


def _other(host: Host, path: Path) -> Iterator[Finding]:
    """Look at another file of bin_dir: containerd runs each one as a verifier, and all have to allow."""
    status = host.at(path).stat()
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        yield fault(
            path,
            "containerd runs each file of bin_dir, and this one is no program: every pull fails",
            f"rm {path}",
        )
    elif why := host.is_open(path):
        yield gap(
            path,
            f"containerd runs it as root, and other users may change it: {why}",
            f"chown root: {path}; chmod 0755 {path}",
        )
    else:
        yield fault(
            path, "it is another verifier: a pull needs its consent too", "Remove it, unless it is meant."
        )


def _program(host: Host, path: Path, settings: ContainerdSettings, socket: str) -> Iterator[Finding]:
    try:
        text = text_of(host.at(path)) or ""
    except ConfigurationError as error:
        yield gap(path, error.message, _INSTALL)
        return
    if why := host.is_open(path):
        yield gap(
            path, f"other users may change the verifier: {why}", f"chown root: {path}; chmod 0755 {path}"
        )
    if MARK not in text or not text.startswith("#!"):
        yield gap(path, "it is not the program that `ratify node install containerd` writes", _INSTALL)
        return
    found = settings_of(text)
    # The mark alone says little: what follows could be anything, and so could be what stands where a setting should.
    if not is_unchanged(text) or set(found) != set(SETTINGS):
        yield gap(path, "it differs from the program that this version writes: older, or changed", _INSTALL)
    if not os.access(host.at(path), os.X_OK):
        yield fault(path, "it is not executable, so every pull fails", f"chmod 0755 {path}")
    yield from _interpreter(host, text, path)
    yield from _fallback(host, found.get("WITHOUT_DAEMON"))
    if found.get("SOCKET") != socket:
        yield fault(
            path,
            f"it asks at {str(found.get('SOCKET'))[:120]}, and the daemon was looked for at {socket}",
            f"{_INSTALL} --socket {socket}, or name the other one to this check: --socket PATH.",
        )
    seconds = found.get("SECONDS")
    if not isinstance(seconds, int | float) or seconds >= settings.seconds:
        yield fault(
            path,
            f"it waits {seconds} s, and containerd kills it after {settings.seconds:g} s: users read no reason",
            _INSTALL,
        )


def _interpreter(host: Host, text: str, path: Path) -> Iterator[Finding]:
    # containerd runs it as root: write access to the interpreter is write access to every verdict.
    interpreter = text[2:].split(maxsplit=1)[0]
    if not host.at(interpreter).exists():
        yield fault(
            path,
            f"its interpreter {interpreter} is not there, so every pull fails",
            f"{_INSTALL} --python PATH",
        )
    elif why := host.is_open(interpreter):
        yield gap(
            path, f"other users may change its interpreter: {why}", f"{_INSTALL} --python /usr/bin/python3"
        )


def _fallback(host: Host, command: object) -> Iterator[Finding]:
    """Look at the files of the command that verifies in the place of the daemon, also as root: interpreter and configuration."""
    words = [word for word in command if isinstance(word, str)] if isinstance(command, tuple) else []
    for word in (*words[:1], *values_of(words, "-c")):
        if word.startswith("/") and (why := host.is_open(word)):
            yield gap(
                word,
                f"other users may change what pulls run or verify where no daemon listens: {why}",
                f"{_INSTALL} --on-daemon-missing refuse",
            )


def settings_of(text: str) -> dict[str, object]:
    """Return the settings that an installation wrote into the program."""
    # Literals alone: the file is read by root, and nothing in it is run.
    found: dict[str, object] = {}
    for line in text.splitlines():
        name, equals, value = line.partition(" = ")
        if equals and name in SETTINGS:
            with suppress(
                ValueError, SyntaxError, RecursionError, MemoryError
            ):  # another program of this name
                found[name] = ast.literal_eval(value)
    return found
