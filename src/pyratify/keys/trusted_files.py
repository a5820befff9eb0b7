"""Files of trust material below a path; links that leave it and backups are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import FileTooLarge, UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.pki.backup_names import looks_like_backup

_MAX_BYTES = MIB
_MAX_FILES = 1000  # each of them is read and parsed at every request for keys
_MAX_DEPTH = 8  # ends the walk around a link to a folder above it, which never leaves the root


def trusted_files(path: Path, *, follow_links: bool) -> tuple[Path, ...]:
    """Return the resolved files that a path stands for, in the order of their names.

    Args:
        path: A file or a directory.
        follow_links: Whether the path may itself be a link that leads out of its folder.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE` or `KEY_INVALID`: nothing is there, or something that must not be.
    """
    try:
        # Both sides are resolved and then compared: `..` or a link in the middle would pass a test of text.
        target = path.resolve(strict=True)
        if not follow_links and not target.is_relative_to(path.parent.resolve(strict=True)):
            _refuse(path, "is a link that leads out of its folder", Reason.KEY_INVALID)
        if not target.is_dir():
            return (target,)
        # Two links to one file are one key; a dict keeps the order of the walk.
        files = tuple(dict.fromkeys(_walk(target, target, 0)))
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        _refuse(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    # An empty folder is a mount that is missing, and never the wish to trust nothing.
    if not files:
        _refuse(path, "has no files")
    if len(files) > _MAX_FILES:
        _refuse(path, f"has more than {_MAX_FILES} files", Reason.KEY_INVALID)
    return files


def read_trusted(file: Path) -> bytes:
    """Return the bytes of a resolved file.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE` or `KEY_INVALID`: it is no regular file, or larger than 1 MiB.
    """
    try:
        # The path is already resolved, so a link here was put there since; a pipe would block the verifier.
        return read_file(file, _MAX_BYTES, regular=True)
    except FileTooLarge as error:
        _refuse(file, str(error), Reason.KEY_INVALID)
    except UnreadableFile as error:
        _refuse(file, str(error))


def _walk(folder: Path, root: Path, depth: int) -> Iterator[Path]:
    if depth > _MAX_DEPTH:
        _refuse(folder, f"is nested deeper than {_MAX_DEPTH} levels", Reason.KEY_INVALID)
    # Sorted, so that messages and key order do not depend on the file system.
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):  # `..data` and its like: how Kubernetes swaps a whole mount
            continue
        # A removed key often stays as `old.pem~` or `old.pem.bak`, and would go on to verify signatures.
        if looks_like_backup(entry.name):
            _refuse(entry, "looks like a backup, which would be trusted too", Reason.KEY_INVALID)
        target = entry.resolve(strict=True)
        # Write access to the folder must not turn any readable file of the machine into trust material.
        if not target.is_relative_to(root):
            _refuse(entry, f"is a link that leads out of {root}", Reason.KEY_INVALID)
        if target.is_dir():
            yield from _walk(target, root, depth + 1)
        else:
            yield target


def _refuse(path: Path, why: str, reason: Reason = Reason.KEY_UNAVAILABLE) -> NoReturn:
    raise ConfigurationError(f"{path} {why}", reason=reason)
