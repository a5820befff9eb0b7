"""The files of an OCI image layout in a directory: nothing outside of it is ever opened."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = _FLAGS | os.O_DIRECTORY
_FILE = _FLAGS | os.O_NONBLOCK  # opening a pipe must not wait for its writer
ALGORITHMS = ("sha256", "sha384", "sha512")
_BLOB = re.compile(r"blobs/(sha256|sha384|sha512)/([0-9a-f]+)", re.ASCII)
_NOT_PLAIN = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells one state of a file from another.

    Attributes:
        size: Its size in bytes.
        identity: Device, inode and time of change.
    """

    size: int
    identity: tuple[int, int, int]

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """Return the stamp of a file's status."""
        return cls(status.st_size, (status.st_dev, status.st_ino, status.st_mtime_ns))


class Files(Protocol):
    """Read access to the files of a layout by the names of the OCI image layout specification."""

    def stamp(self) -> Stamp:
        """Return what changes when the layout's index changes.

        Raises:
            StoreError: `LAYOUT_INVALID` or `ARCHIVE_INVALID`: there is no index.
        """
        ...

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file's bytes, one more than `limit` where it is longer; None where there is no such file.

        Args:
            name: `oci-layout`, `index.json` or `blobs/<algorithm>/<hex>`, made by the store and not by a document.
            limit: How many bytes are wanted at most.

        Raises:
            StoreError: `LAYOUT_INVALID` or `ARCHIVE_INVALID`: it is no regular file inside of the layout.
        """
        ...

    def blobs(self) -> Iterator[tuple[Digest, int]]:
        """Iterate over the blobs that are regular files with the name of a digest, with their sizes.

        Raises:
            StoreError: As `read`.
        """
        ...


class DirectoryFiles:
    """A layout in a directory; symbolic links, devices and pipes in it are refused.

    Args:
        root: The directory itself, which may be reached through a link.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def stamp(self) -> Stamp:
        """Return the stamp of `index.json`; errors as in `Files`."""
        try:
            return Stamp.of((self._root / "index.json").lstat())
        except OSError as error:
            raise _refused(self._root, "index.json", error) from None

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file's bytes; as in `Files`."""
        try:
            with os.fdopen(_open_beneath(self._root, name), "rb", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise StoreError(Reason.LAYOUT_INVALID, f"{name} in {self._root} is no regular file")
                return read_up_to(file.fileno(), limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(self._root, name, error) from None

    def blobs(self) -> Iterator[tuple[Digest, int]]:
        """Iterate over the blobs; as in `Files`."""
        for algorithm in ALGORITHMS:
            name = f"blobs/{algorithm}"
            try:
                folder = _open_beneath(self._root, name)
                try:
                    found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(folder)]
                finally:
                    os.close(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _refused(self._root, name, error) from None
            for file, status in sorted(found, key=lambda each: each[0]):
                digest = blob_digest(f"{name}/{file}") if stat.S_ISREG(status.st_mode) else None
                if digest is not None:
                    yield digest, status.st_size


def blob_digest(name: str) -> Digest | None:
    """Return the digest that a blob's name in a layout stands for; None for a name of something else."""
    match = _BLOB.fullmatch(name)
    try:
        return Digest(f"{match[1]}:{match[2]}") if match else None
    except InvalidDigest:
        return None


def read_up_to(file: int, size: int, offset: int | None = None) -> bytes:
    """Return the next bytes of an open file, or those at an offset; fewer than `size` only where it ends."""
    parts: list[bytes] = []
    while size > 0:
        part = os.read(file, size) if offset is None else os.pread(file, size, offset)
        if not part:
            break
        parts.append(part)
        size -= len(part)
        offset = None if offset is None else offset + len(part)
    return b"".join(parts)


def _open_beneath(root: Path, name: str) -> int:
    *folders, last = name.split("/")
    place = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for folder in folders:
            child = os.open(folder, _FOLDER, dir_fd=place)
            os.close(place)
            place = child
        return os.open(last, _FILE, dir_fd=place)
    finally:
        os.close(place)


def _refused(root: Path, name: str, error: OSError) -> StoreError:
    if isinstance(error, FileNotFoundError):
        what = "is missing"
    elif error.errno in _NOT_PLAIN:
        what = "is no regular file inside of the layout, or is reached through a link"
    else:
        what = f"cannot be read: {error.strerror}"
    return StoreError(Reason.LAYOUT_INVALID, f"{name} in {root} {what}")
