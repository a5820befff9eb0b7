"""What rules may use that flags ask for: the current folder, and no source of keys or credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.scope import EVERYTHING
from pyratify.core.shared_resources import Shared


@dataclass(frozen=True, slots=True)
class FlagResources:
    """The `Resources` of rules that flags name; paths are relative to the current folder.

    Attributes:
        clock: The system's.
        scopes: Everything.
        verifiers: None: flags name no verifier.
        verifier_types: Likewise none.
        cosign_tags: The only tag that holds attestations.
        base: The current folder.
        shared: Of this run alone.
    """

    clock: Clock = field(default_factory=SystemClock)
    scopes: tuple[str, ...] = (EVERYTHING,)
    verifiers: tuple[str, ...] = ()
    verifier_types: Mapping[str, str] = field(default_factory=dict)
    cosign_tags: tuple[str, ...] = ("att",)
    base: Path = field(default_factory=Path.cwd)
    shared: Shared = field(default_factory=Shared)

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
