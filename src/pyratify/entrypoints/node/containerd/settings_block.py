"""Settings at the end of containerd's configuration, between two comments by which they are found and taken out again."""

import tomllib
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

# The files that containerd reads where it has no configuration: with one it would read them no more.
_NEW = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'


@dataclass(frozen=True, slots=True)
class SettingsBlock:
    """The settings of one plugin.

    Attributes:
        command: The command that writes them, which the comments name.
        plugin: The plugin.
    """

    command: str
    plugin: str

    def appended(self, path: Path, before: str | None, settings: str) -> str:
        """Return a configuration with the settings at its end.

        Args:
            path: The configuration.
            before: Its text; None where it is not there.
            settings: TOML, in whole lines.

        Raises:
            ConfigurationError: It would be no TOML: a table in one line, as `plugins = {}`, cannot be continued by another one.
        """
        text = _NEW if before is None else before
        joint = "" if text.endswith("\n") or not text else "\n"
        found = f"{text}{joint}{self._begin}\n{settings}{self._end}\n"
        try:
            tomllib.loads(found)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(
                f"{path} cannot be continued at its end: {error}",
                remedy=f'Write [plugins."{self.plugin}"] as a table of its own, then install again.',
            ) from None
        return found

    def removed(self, path: Path, before: str | None) -> str | None:
        """Return a configuration without the settings; None for a file that was made for them.

        Args:
            path: The configuration.
            before: Its text; None where it is not there.

        Raises:
            ConfigurationError: The comments do not enclose these settings alone, so what to take out is unknown.
        """
        if before is None:
            return None
        lines = before.split("\n")
        begins, ends = (_places(lines, comment) for comment in (self._begin, self._end))
        if not begins and not ends:
            return before
        if len(begins) != 1 or len(ends) != 1 or ends < begins:
            raise self._unclear(path, f"{_listed('begin', begins)} and {_listed('end', ends)}")
        (begin,), (end,) = begins, ends
        if not self._is_own("".join(f"{line}\n" for line in lines[begin:end])):
            raise self._unclear(path, f"other settings between lines {begin + 1} and {end + 1}")
        after = "\n".join(lines[:begin] + lines[end + 1 :])
        return None if after == _NEW else after

    def _is_own(self, settings: str) -> bool:
        try:
            found = tomllib.loads(settings)
        except tomllib.TOMLDecodeError:
            return False
        plugins = found.get("plugins", {})
        return found.keys() <= {"plugins"} and isinstance(plugins, dict) and plugins.keys() <= {self.plugin}

    def _unclear(self, path: Path, found: str) -> ConfigurationError:
        return ConfigurationError(
            f"{path} has {found}, where `{self.command}` writes its settings between one pair of comments",
            remedy=f'Take [plugins."{self.plugin}"] and the comments out by hand, then undo again.',
        )

    @property
    def _begin(self) -> str:
        return f"# {self.command}: begin"

    @property
    def _end(self) -> str:
        return f"# {self.command}: end"


def _places(lines: list[str], comment: str) -> list[int]:
    # Editors of other systems end lines with a carriage return, and some leave blanks behind.
    return [index for index, line in enumerate(lines) if line.strip() == comment]


def _listed(name: str, places: list[int]) -> str:
    where = ", ".join(str(place + 1) for place in places)
    return f"its {name} comment in line {where}" if places else f"no {name} comment"
