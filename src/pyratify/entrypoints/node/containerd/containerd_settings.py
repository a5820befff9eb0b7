"""What containerd's configuration says of image verifiers, and of pulls that go past them (config versions 1 to 4)."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.entrypoints.node.containerd.containerd_names import BIN_DIR, PLUGIN

NEWEST = 4  # containerd 2.4 writes it; the settings that matter here are those of version 3
# The names of CRI's table: versions 3 and 4, version 2, version 1.
_IMAGES, _OLD_CRI, _OLDEST_CRI = "io.containerd.cri.v1.images", "io.containerd.grpc.v1.cri", "cri"
# Without a configuration file containerd reads these (defaults.DefaultConfigIncludePattern).
_USUAL_IMPORTS = "/etc/containerd/conf.d/*.toml"
_MAX_FILES = 64  # imports are patterns, which may match a whole folder
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdSettings:
    """The settings that matter for verification.

    Attributes:
        path: The main configuration file.
        exists: Whether it is there; without it containerd's defaults hold.
        version: Its version; 1 where the file names none.
        plugins: The tables of plugins, of all imported files too.
        disabled: The plugins that are switched off.
    """

    path: Path
    exists: bool
    version: int
    plugins: Mapping[str, Any]
    disabled: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether its version is one whose settings are known here; containerd 2 migrates all older ones."""
        return 1 <= self.version <= NEWEST

    @property
    def verifier(self) -> Mapping[str, Any]:
        """The table of the image verifier plugin; empty where the defaults hold."""
        return _table(self.plugins, PLUGIN)

    @property
    def bin_dir(self) -> Path:
        """The folder whose files are the verifiers."""
        return Path(str(self.verifier.get("bin_dir", BIN_DIR)))

    @property
    def max_verifiers(self) -> int:
        """How many verifiers are run, by the order of their names; below 0 all."""
        found: int = self.verifier.get("max_verifiers", 10)
        return found

    @property
    def seconds(self) -> float:
        """After how many seconds a verifier is killed."""
        return go_seconds(self.verifier.get("per_verifier_timeout", "10s"))

    @property
    def images(self) -> Mapping[str, Any]:
        """The settings of CRI's pulls, those of older versions in the form of version 3."""
        old = {**_table(self.plugins, _OLDEST_CRI), **_table(self.plugins, _OLD_CRI)}
        return {**old, **_table(old, "containerd"), **_table(self.plugins, _IMAGES)}


def read_settings(path: Path, root: Path = Path("/")) -> ContainerdSettings:
    """Read containerd's configuration and what it imports.

    Args:
        path: The main file, as this process sees it.
        root: Where the node's file system is mounted; paths in the files begin there.

    Raises:
        ConfigurationError: A file cannot be read or is no TOML.
    """
    merged: dict[str, Any] = {}
    exists = path.exists()
    pending, seen = [path] if exists else _glob(root, root, _USUAL_IMPORTS), set[Path]()
    while pending:
        one = pending.pop(0)
        if one in seen:  # as containerd does: a circle is no error
            continue
        seen.add(one)
        if len(seen) > _MAX_FILES:
            raise ConfigurationError(f"{path} imports more than {_MAX_FILES} files")
        document = parse_toml(one)
        _merge(merged, document)
        imports = document.get("imports")
        for text in imports if isinstance(imports, list) else ():
            pending.extend(_glob(root, one.parent, str(text)))
    disabled = merged.get("disabled_plugins")
    found = ContainerdSettings(
        path=path,
        exists=exists,
        version=merged.get("version", 1 if exists else NEWEST),
        plugins=_table(merged, "plugins"),
        disabled=tuple(map(str, disabled)) if isinstance(disabled, list) else (),
    )
    # containerd itself would not start with another type.
    for name, value in (("version", found.version), ("max_verifiers", found.max_verifiers)):
        if not isinstance(value, int):
            raise ConfigurationError(
                f"{path}: {name} is {str(value)[:40]!r} and no whole number", remedy="Write a whole number."
            )
    return found


def parse_toml(path: Path) -> dict[str, Any]:
    """Return the document of a TOML file of at most 1 MiB.

    Raises:
        ConfigurationError: It cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(read_file(path, MIB).decode())
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} {error}", remedy=error.remedy) from None
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError are both
        raise ConfigurationError(
            f"{path} is no TOML: {error}", remedy="containerd would not start with it; correct it first."
        ) from None


def local_pull_reasons(settings: ContainerdSettings) -> Iterator[tuple[str, str]]:
    """Iterate over what makes CRI pull images itself, past every verifier: the setting, and what to do.

    containerd sets `use_local_image_pull` by itself for all but the first (2.4.2, internal/cri/config/config.go,
    `CheckLocalImagePullConfigs`).
    """
    images = settings.images
    registry = _table(images, "registry")
    if images.get("use_local_image_pull", False):
        yield "use_local_image_pull = true", "Remove it."
    for name in ("mirrors", "configs", "auths"):
        if registry.get(name):
            yield (
                f"registry.{name}",
                "Move it to hosts.toml files below config_path (containerd, docs/hosts.md).",
            )
    downloads = images.get("max_concurrent_downloads", 3)
    if downloads != 3:  # containerd's default; with any other value it pulls locally
        yield (
            f"max_concurrent_downloads = {downloads}",
            'Set it in [plugins."io.containerd.transfer.v1.local"] and remove it here.',
        )
    if images.get("discard_unpacked_layers", False):
        yield "discard_unpacked_layers = true", "Remove it."
    if images.get("image_pull_with_sync_fs", False):
        yield "image_pull_with_sync_fs = true", "Remove it."
    if not images.get("disable_snapshot_annotations", True):
        yield "disable_snapshot_annotations = false", "Set it in the snapshotter's plugin and remove it here."


def go_seconds(value: Any) -> float:
    """Return a duration as Go writes it, or a number of nanoseconds, in seconds; 0 for what is none."""
    if isinstance(value, int):
        return value / 1e9
    total, number = 0.0, ""
    rest = str(value)
    while rest:
        unit = next((each for each in _UNITS if rest.startswith(each)), "")
        if unit and number:
            total, number, rest = total + float(number) * _UNITS[unit], "", rest[len(unit) :]
        elif rest[0] in "0123456789." and (number + rest[0]).count(".") < 2:
            number, rest = number + rest[0], rest[1:]
        else:
            return 0.0
    return 0.0 if number else total


def _glob(root: Path, folder: Path, text: str) -> list[Path]:
    # Relative to the file that imports, as containerd reads it.
    path = root / text.lstrip("/") if text.startswith("/") else folder / text
    # As containerd: a pattern may match nothing, a plain path has to be there.
    if "*" not in text:
        return [path]
    return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Merge as containerd does: tables by key, lists joined, later values instead of earlier ones."""
    for key, value in more.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            into[key] = [*old, *(each for each in value if each not in old)]
        else:
            into[key] = value


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
