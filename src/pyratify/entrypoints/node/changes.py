"""Changes to files of a node: shown first, made only on demand, and whole or not at all."""

import difflib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file before and after.

    Attributes:
        path: The file.
        before: Its text; None where it is not there.
        after: Its text; None where it is removed.
        mode: The mode of a file that is made; one that is there keeps its own.
        staging: The folder in which it is written before it is renamed; its own when omitted.
    """

    path: Path
    before: str | None
    after: str | None
    mode: int = 0o644
    staging: Path | None = None

    @property
    def is_change(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    def diff(self) -> str:
        """Return the change as `diff -u` writes it."""
        old = "/dev/null" if self.before is None else str(self.path)
        new = "/dev/null" if self.after is None else str(self.path)
        first, second = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(first, second, old, new))

    def apply(self) -> None:
        """Make the change.

        Raises:
            ConfigurationError: The file cannot be written or removed.
        """
        try:
            if self.after is None:
                self.path.unlink(missing_ok=True)
            else:
                self._write(self.after)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be changed: {error.strerror}",
                remedy="Run it as root, or make the change by hand.",
            ) from None

    def _write(self, text: str) -> None:
        # What a link leads to, as of a configuration that is kept elsewhere; never out of bin_dir, which is staged.
        path = self.path if self.staging else self.path.resolve()
        folder = self.staging or path.parent
        for each in (folder, path.parent):
            each.mkdir(mode=0o755, parents=True, exist_ok=True)
        # A random name: two installations at once must not write to one file.
        temporary = folder / f".{path.name}.{secrets.token_hex(4)}"
        try:
            # For its owner alone at first: a runtime's configuration may have passwords of registries.
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
            # Before the rename: a program in bin_dir that is not executable yet fails every pull.
            temporary.chmod(path.stat().st_mode & 0o7777 if path.exists() else self.mode)
            # Renamed: no reader, and no containerd that starts meanwhile, sees half of it.
            temporary.replace(path)
        finally:
            with suppress(OSError):  # gone after the rename
                temporary.unlink()


def text_of(path: Path) -> str | None:
    """Return the text of a file of at most 1 MiB; None where there is none.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if not path.exists():
        return None
    try:
        return read_file(path, MIB).decode()
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} {error}", remedy=error.remedy) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path} is no UTF-8 text", remedy="Convert it to UTF-8, or make the change by hand."
        ) from None
