"""Finds the configuration file."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyratify.core.errors import ConfigurationError

VARIABLE = "RATIFY_CONFIG"
_HERE = ("ratify.yaml", "ratify.json")
_IN_FOLDER = ("config.json", "ratify.yaml", "ratify.json")


def locate(given: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the configuration file, or None when there is none in any of the places.

    In order: the given file; `$RATIFY_CONFIG`, a file or a folder with `config.json`; `~/.config/ratify/`
    (`$XDG_CONFIG_HOME`); `~/.ratify/config.json`. Never the current folder: it may be an untrusted checkout, and a
    configuration names the signers to trust, headers that carry secrets, and programs to run.

    Raises:
        ConfigurationError: `$RATIFY_CONFIG` names a folder without a configuration.
    """
    if given is not None:
        return Path(given)
    named = environment.get(VARIABLE)
    if named:
        return _named(Path(named))
    return next((path for path in _usual(environment) if path.is_file()), None)


def passed_over(given: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the configuration that lies in the current folder and is not read because nothing names it, or None."""
    if given is not None or environment.get(VARIABLE):
        return None
    return next((path for path in map(Path, _HERE) if path.is_file()), None)


def _named(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / name for name in _IN_FOLDER if (path / name).is_file()), None)
    if found is None:
        raise ConfigurationError(
            f"${VARIABLE} names the folder {path}, which has no config.json", remedy=f"Correct ${VARIABLE}."
        )
    return found


def _usual(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("HOME", "")
    if not Path(home).is_absolute():  # a relative one would be below the current folder
        home = ""
    folder = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    # The XDG specification: relative paths are invalid and are ignored.
    if Path(folder).is_absolute():
        yield from (Path(folder, "ratify", name) for name in ("ratify.yaml", "ratify.json", "config.json"))
    if home:
        yield Path(home, ".ratify", "config.json")
