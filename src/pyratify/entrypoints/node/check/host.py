"""The files of a node, which may be mounted somewhere (`--root`)."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pyratify.core.dataclass import dataclass

_MAX_COMMAND = 65536  # bytes; a process chooses how long its command line is


@dataclass(frozen=True, slots=True)
class Host:
    """A node's file system.

    Attributes:
        root: Where it is; `/` for the node that this process runs on.
    """

    root: Path = Path("/")

    def at(self, path: Path | str) -> Path:
        """Return where a path of the node is in this process."""
        return self.root / Path(path).relative_to("/")

    def shown(self, path: Path) -> str:
        """Return what a path of this process is called on the node."""
        return f"/{path.relative_to(self.root)}"

    @property
    def is_here(self) -> bool:
        """Whether this process runs on the node."""
        return self.root == Path("/")

    def user(self, name: str) -> int | None:
        """Return the number of a user of the node; None where there is none."""
        # Not by the module pwd, which knows the users of this machine.
        try:
            lines = self.at("/etc/passwd").read_text(errors="replace").splitlines()
        except OSError:
            return None
        found = (line.split(":") for line in lines)
        return next((int(each[2]) for each in found if each[0] == name and each[2].isdigit()), None)

    def is_open(self, path: Path | str, *, group: bool = True, owner: int | None = None) -> str:
        """Return why a user who is not root may change what is at a path; empty where none may.

        Args:
            path: A path of the node; what leads to it counts too, and of a link all of that for its target.
            group: Whether write access of a group other than root's counts for the path itself.
            owner: A user beside root to which it may belong.
        """
        place, target = Path(path), self._target(path)
        for one in dict.fromkeys((place, *place.parents, target, *target.parents)):
            try:
                status = self.at(one).stat()
            except OSError:
                continue  # what is not there cannot be changed, only made, and its folder is looked at
            own = one in (place, target)
            # In a sticky folder only the owner of an entry may exchange it.
            if not own and status.st_mode & stat.S_ISVTX:
                continue
            by_group = status.st_mode & 0o020 and status.st_gid != 0 and (group or not own)
            if status.st_uid not in (0, owner) or status.st_mode & 0o002 or by_group:
                return f"{one} has mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid} and group {status.st_gid}"
        return ""

    def _target(self, path: Path | str) -> Path:
        """Return where a path leads through links, as a path of the node."""
        # Not Path.resolve(), which raises on a circle of links before Python 3.13.
        found, root = (Path(os.path.realpath(each)) for each in (self.at(path), self.root))
        # Below --root an absolute link leads out of it; where it leads is a path of the node all the same.
        return Path("/") / (found.relative_to(root) if found.is_relative_to(root) else found)

    def commands(self, name: str) -> Iterator[list[str]]:
        """Iterate over the command lines of the running programs of a name."""
        for entry in sorted(self.at("/proc").glob("[0-9]*/cmdline")):
            try:
                with entry.open("rb") as file:
                    words = file.read(_MAX_COMMAND).decode(errors="replace").split("\0")[:-1]
            except OSError:  # it has ended
                continue
            if words and Path(words[0]).name == name:
                yield words

    def began(self, name: str) -> list[float]:
        """Return when the running programs of a name were started, in seconds since 1970."""
        found = []
        for entry in sorted(self.at("/proc").glob("[0-9]*/comm")):
            try:
                if entry.read_text().strip() == name:
                    # proc(5): the 22nd field is the start in ticks after the boot; the name before it may have spaces.
                    ticks = int(entry.with_name("stat").read_text().rpartition(")")[2].split()[19])
                    found.append(self._booted() + ticks / os.sysconf("SC_CLK_TCK"))
            except (OSError, ValueError, IndexError):  # it has ended
                continue
        return found

    def _booted(self) -> float:
        lines = self.at("/proc/stat").read_text().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("btime ")))


def values_of(words: list[str], *flags: str) -> Iterator[str]:
    """Iterate over the values of a flag in a command line, after it or joined to it."""
    for number, word in enumerate(words):
        if word in flags:
            yield from words[number + 1 : number + 2]
        elif word.partition("=")[0] in flags:
            yield word.partition("=")[2]
