"""Builds plugins from their parameters, and the resources that they may use while they are built."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from pyratify.config.configuration_fingerprint import add_plugin
from pyratify.config.decode import decode
from pyratify.config.locations import join, within
from pyratify.config.recorded_keys import CombinedCertificates, Record, RecordedKeys
from pyratify.core.clock import Clock
from pyratify.core.credential import CredentialProvider
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, RatifyError
from pyratify.core.key import CertificateProvider, KeyProvider
from pyratify.core.plugin import Plugin, Registry
from pyratify.core.shared_resources import Shared
from pyratify.core.store import COSIGN_TAGS


@dataclass(frozen=True, slots=True)
class BuildResources:
    """The `Resources` of plugins; configuration paths in their errors are relative to the plugin's parameters.

    Attributes:
        clock: The engine's clock.
        base: The folder that relative paths start from.
        scopes: The executor's scopes.
        verifiers: The names of the executor's verifiers.
        verifier_types: Their plugins.
        cosign_tags: Which of cosign's tags these can use.
        shared: What the engine's plugins share.
    """

    clock: Clock
    base: Path
    scopes: tuple[str, ...] = ()
    verifiers: tuple[str, ...] = ()
    verifier_types: Mapping[str, str] = field(default_factory=dict)
    cosign_tags: tuple[str, ...] = COSIGN_TAGS
    shared: Shared = field(default_factory=Shared)

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """Build the key provider that a mapping `{provider: parameters}` with one entry names.

        Raises:
            ConfigurationError: No entry or several, or the provider is not installed or cannot be built.
        """
        if len(sources) != 1:
            raise ConfigurationError(
                f"exactly one key provider is needed, not {len(sources)}",
                path=path,
                remedy='Write one, as {"files": ["cosign.pub"]}.',
            )
        name, parameters = next(iter(sources.items()))
        provider: KeyProvider = await self._source(name, parameters, path)
        return RecordedKeys(name, provider, Record(self.shared, self.clock))

    async def certificates(self, sources: Mapping[str, Any], path: str) -> CertificateProvider:
        """Build the certificates of every provider in a mapping `{provider: parameters}`.

        Raises:
            ConfigurationError: There is none, or one is not installed or cannot be built.
        """
        if not sources:
            raise ConfigurationError(
                "no source of certificates", path=path, remedy='Write one, as "files": ["ca.pem"].'
            )
        providers = tuple([(source[0], await self._source(*source, path)) for source in sources.items()])
        return CombinedCertificates(providers, Record(self.shared, self.clock))

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> CredentialProvider:
        """Build the credential provider that `parameters["provider"]` names; anonymous for None.

        Raises:
            ConfigurationError: No provider is named, or it is not installed or cannot be built.
        """
        # A copy: `pop` must not change the configuration, which is hashed and shown.
        found = {"provider": "anonymous"} if parameters is None else dict(parameters)
        name = found.pop("provider", None)
        if not isinstance(name, str) or not name:
            raise ConfigurationError(
                "no provider is named", path=f"{path}.provider", remedy="Name one, as docker or static."
            )
        plugin: Plugin[CredentialProvider] = Registry[Any]("credentials").load(name, f"{path}.provider")
        provider: CredentialProvider = await _build(plugin, name, found, path, self)
        return provider

    async def plugin(self, kind: str, name: str, parameters: Mapping[str, Any], path: str) -> Any:
        """Build a plugin that another one uses.

        Raises:
            ConfigurationError: It is not installed or cannot be built.
        """
        return await _build(Registry[Any](kind).load(name, path), name, parameters, path, self)

    async def _source(self, name: str, parameters: Any, path: str) -> Any:
        where = join(path, name)
        # Keys and certificates are in one registry: a provider of files serves both.
        return await _build(Registry[Any]("keys").load(name, where), name, parameters, where, self)


async def make(
    kind: str, named: tuple[str, str], parameters: Any, path: str, resources: BuildResources
) -> Any:
    """Build the plugin of a kind from its parameters in the configuration.

    Args:
        kind: One of `pyratify.core.plugin.KINDS`.
        named: The plugin's name, and what the configuration calls what is built.
        parameters: Its parameters, not yet decoded.
        path: Where it stands.
        resources: What it may use while it is built.

    Raises:
        ConfigurationError: With the whole path.
    """
    type_name, name = named
    plugin = Registry[Any](kind).load(type_name, f"{path}.type")
    add_plugin(resources.shared.fingerprint, kind, type_name, plugin)
    return await _build(plugin, name, parameters, f"{path}.parameters", resources)


def usable_tags(types: Iterable[str]) -> tuple[str, ...]:
    """Return which of cosign's tags verifiers of these types can use; what cannot be loaded is refused elsewhere."""
    wanted: set[str] = set()
    for name in types:
        try:
            wanted.update(Registry[Any]("verifiers").load(name, "").cosign_tags)
        except (ConfigurationError, AttributeError):
            # All of them: too many cost requests, too few would hide signatures.
            return COSIGN_TAGS
    return tuple(tag for tag in COSIGN_TAGS if tag in wanted)


async def _build(plugin: Any, name: str, parameters: Any, path: str, resources: BuildResources) -> Any:
    if not isinstance(plugin, Plugin):
        raise ConfigurationError(
            "the entry point names no plugin",
            path=path,
            remedy="Report it to the author of the package that provides it; `ratify plugins` names the package.",
        )
    options = decode(plugin.options, parameters, path)
    try:
        return await plugin.build(name, options, resources)
    except ConfigurationError as error:
        # With the path of the configuration before that of the parameters.
        raise within(path, error) from error
    except RatifyError as error:
        raise ConfigurationError(
            error.message, path=path, reason=error.reason, remedy=error.remedy
        ) from error
    except Exception as error:
        raise ConfigurationError(
            f"the plugin failed with {type(error).__name__}",  # its text could hold a secret of the parameters
            path=path,
            remedy="Report it to the plugin's author; --debug shows where.",
        ) from error
