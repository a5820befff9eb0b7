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
        found = f"{text}{joint}{self._begin}{settings}{self._end}"
        try:
            tomllib.loads(found)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(
                f"{path} cannot be continued at its end: {error}",
                remedy=f'Write [plugins."{self.plugin}"] as a table of its own, then install again.',
            ) from None
        return found

    def removed(self, before: str | None) -> str | None:
        """Return a configuration without the settings; None for a file that was made for them."""
        if before is None or self._begin not in before or self._end not in before:
            return before
        head, _, rest = before.partition(self._begin)
        after = head + rest.partition(self._end)[2]
        return None if after == _NEW else after

    @property
    def _begin(self) -> str:
        return f"# {self.command}: begin\n"

    @property
    def _end(self) -> str:
        return f"# {self.command}: end\n"
