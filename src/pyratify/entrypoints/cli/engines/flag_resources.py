"""What rules may use that flags ask for: the current folder, and no source of keys or credentials."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.scope import EVERYTHING

if TYPE_CHECKING:
    from pyratify.core.shared_resources import Shared


class FlagResources:
    """The `Resources` of rules that flags name; paths are relative to the current folder.

    Args:
        verifiers: The names of the verifiers that the flags ask for.

    Attributes:
        scopes: Everything.
        cosign_tags: The only tag that holds attestations.
    """

    scopes: tuple[str, ...] = (EVERYTHING,)
    cosign_tags: tuple[str, ...] = ("att",)

    def __init__(self, verifiers: tuple[str, ...] = ()) -> None:
        self.verifiers = verifiers

    @property
    def verifier_types(self) -> Mapping[str, str]:
        """None."""
        return {}

    @cached_property
    def clock(self) -> Clock:
        """The system's."""
        return SystemClock()

    @cached_property
    def base(self) -> Path:
        """The current folder."""
        return Path.cwd()

    @cached_property
    def shared(self) -> "Shared":
        """Of this run alone."""
        from pyratify.core.shared_resources import Shared  # few rules share anything

        return Shared()

    async def keys(self, sources: Mapping[str, Any], path: str) -> NoReturn:
        """Refuse: flags name keys by themselves.

        Raises:
            ConfigurationError: Always.
        """
        del sources
        raise ConfigurationError("needs keys, which only a configuration can name", path=path)

    async def certificates(self, sources: Mapping[str, Any], path: str) -> NoReturn:
        """Refuse, as `keys` does.

        Raises:
            ConfigurationError: Always.
        """
        del sources
        raise ConfigurationError("needs certificates, which only a configuration can name", path=path)

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> NoReturn:
        """Refuse, as `keys` does.

        Raises:
            ConfigurationError: Always.
        """
        del parameters
        raise ConfigurationError("needs credentials, which only a configuration can name", path=path)

    async def plugin(self, kind: str, name: str, parameters: Mapping[str, Any], path: str) -> NoReturn:
        """Refuse: no flag names a plugin for a plugin.

        Raises:
            ConfigurationError: Always.
        """
        del name, parameters
        raise ConfigurationError(f"flags name no plugin of the kind {kind}", path=path)
