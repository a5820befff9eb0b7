"""Unix sockets made so that no other process gets between: never with wider permissions, never over a file or a live server."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.sockets import UNIX_BACKLOG

MODE = 0o660
_LONGEST = 100  # sun_path has 108 bytes (unix(7)), and the temporary name is longer
_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BoundSocket:
    """A listening unix socket and the file that leads to it.

    Attributes:
        path: The file.
        listener: Listens.
        owned: Whether this process made the file, and removes it; systemd's sockets are systemd's.
        identity: Device and inode of the file.
    """

    path: Path
    listener: socket.socket
    owned: bool
    identity: tuple[int, int]

    def fault(self) -> str:
        """Return why clients no longer reach this socket by its path; empty where they do."""
        try:
            found = _identity(self.path)
        except OSError:
            return f"the socket {self.path} is gone"
        return "" if found == self.identity else f"the socket {self.path} was replaced by another file"

    def remove(self) -> None:
        """Remove the file, unless another one took its place."""
        with suppress(OSError):
            if self.owned and _identity(self.path) == self.identity:
                self.path.unlink()


def bind_unix(path: Path, *, group: int | None = None) -> BoundSocket:
    """Listen at a path, for its owner and a group (mode 0660).

    Args:
        path: Where; a socket that no process listens at any more is replaced.
        group: The group of the socket; the process's own when omitted.

    Raises:
        ConfigurationError: It cannot be listened there: another server does, it is no socket, or others may write to the folder.
    """
    _check_path(path)
    # Under another name first: no client connects before mode and group are as they have to be.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        check_folder(path.parent)
        _check_free(path)
        # Left by a process of the same number that was killed in between.
        temporary.unlink(missing_ok=True)
        listener.bind(str(temporary))
        temporary.chmod(MODE)
        if group is not None:
            os.chown(temporary, -1, group)
        listener.listen(UNIX_BACKLOG)
        listener.setblocking(False)
        identity = _identity(temporary)
        temporary.rename(path)
    except OSError as error:
        listener.close()
        with suppress(OSError):
            temporary.unlink()
        raise _unusable(path, error.strerror or str(error)) from None
    except ConfigurationError:
        listener.close()
        raise
    return BoundSocket(path, listener, owned=True, identity=identity)


def check_folder(folder: Path) -> None:
    """Refuse a folder in which another user could exchange the socket.

    Raises:
        ConfigurationError: It belongs to another user, or others may write to it.
        OSError: It cannot be read.
    """
    status = folder.stat()
    # In a sticky folder (as /tmp) only the owner of a file may rename or remove it.
    shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
    if shared or status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"the folder {folder} has mode {stat.S_IMODE(status.st_mode):04o} and owner {status.st_uid}, so another user could exchange a socket in it",
            remedy=f"Give it to root, for its owner alone to write to: chown root {folder}; chmod go-w {folder}.",
        )


def _check_path(path: Path) -> None:
    if not path.is_absolute():
        raise ConfigurationError(
            f"the socket {str(path)[:80]!r} is no absolute path", remedy="Write it from / on."
        )
    if len(os.fsencode(path)) > _LONGEST - len(str(os.getpid())):
        raise _unusable(path, "its path is longer than the kernel takes")


def _check_free(path: Path) -> None:
    """Refuse a path at which a server listens, or where something else than a socket is."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise _unusable(path, "a file that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # stale: its process is gone
        except OSError:
            pass  # too busy to answer is alive as well
    raise _unusable(path, "another process listens there")


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be listened on: {why}", remedy="Name another path, or end or remove what is there."
    )


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino
