"""`ratify node install nri`: the setting by which containerd makes no container while the plugin is absent, and how it is undone."""

import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import FileChange, text_of
from pyratify.entrypoints.node.containerd.containerd_settings import parse_toml, read_settings
from pyratify.entrypoints.node.containerd.settings_block import SettingsBlock
from pyratify.entrypoints.node.nri.plugin import NAME

_PLUGIN = "io.containerd.nri.v1.nri"
_BLOCK = SettingsBlock("ratify node install nri", _PLUGIN)
_SETTINGS = f"""\
[plugins."{_PLUGIN}".default_validator]
  enable = true
  required_plugins = ["{NAME}"]
"""
_CRIO_FILE = "99-ratify.conf"  # late by name: settings of later files count (crio.conf.d(5))
_CRIO = f"""\
# Written by `ratify node install nri --crio`.
[crio.nri]
enable_nri = true
[crio.nri.default_validator]
nri_enable_default_validator = true
nri_validator_required_plugins = ["{NAME}"]
"""


def plan(arguments: Namespace) -> Iterator[FileChange]:
    """Iterate over the one change that requires the plugin, or undoes that.

    Raises:
        ConfigurationError: containerd's configuration cannot be read, switches NRI off, has settings of the validator already, or cannot
            be continued; or CRI-O's file has other settings than its own.
    """
    if arguments.crio:
        yield _crio(Path(arguments.crio), undo=arguments.undo)
        return
    path = Path(arguments.containerd_config)
    before = text_of(path)
    if arguments.undo:
        yield FileChange(path=path, before=before, after=_BLOCK.removed(path, before))
        return
    settings = read_settings(path)
    table = settings.plugins.get(_PLUGIN) or {}
    if _PLUGIN in settings.disabled or table.get("disable") or table.get("disable_connections"):
        raise ConfigurationError(
            f"{path} switches NRI off, or its connections",
            remedy=f'Take {_PLUGIN} out of disabled_plugins, and disable and disable_connections out of [plugins."{_PLUGIN}"].',
        )
    validator = table.get("default_validator") or {}
    if validator.get("enable") and NAME in validator.get("required_plugins", ()):
        yield FileChange(path=path, before=before, after=before)
        return
    if validator:
        raise ConfigurationError(
            f"{path} has settings of NRI's default_validator already",
            remedy=f'Add "{NAME}" to its required_plugins, and set enable = true.',
        )
    yield FileChange(path=path, before=before, after=_BLOCK.appended(path, before, _SETTINGS))


def _crio(folder: Path, *, undo: bool) -> FileChange:
    """Return the change of a folder of CRI-O's settings, of which those of later files count (crio.conf.d(5))."""
    path = folder / _CRIO_FILE
    for other in () if undo else sorted(folder.glob("*.conf")):
        nri = parse_toml(other).get("crio", {}).get("nri", {})
        if other != path and nri.get("default_validator", {}).get("nri_validator_required_plugins"):
            raise ConfigurationError(
                f"{other} requires plugins already, and a later file would replace them",
                remedy=f'Add "{NAME}" to nri_validator_required_plugins there.',
            )
    before = text_of(path)
    # Replaced and removed whole: what else is in it would be lost.
    if before is not None and parse_toml(path) != tomllib.loads(_CRIO):
        raise ConfigurationError(
            f"{path} has other settings than those that `ratify node install nri` writes",
            remedy="Move yours to a file of another name, and remove this one by hand.",
        )
    return FileChange(path=path, before=before, after=None if undo else _CRIO)


def check_result(changes: tuple[FileChange, ...]) -> None:
    """Read the changed configuration again, as containerd will.

    Raises:
        ConfigurationError: It is no TOML any more.
    """
    for change in changes:
        if change.after is not None:
            parse_toml(change.path)
