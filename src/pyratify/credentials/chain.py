"""The plugin `chain`: several providers, each perhaps for some hosts only, asked in order."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from pyratify.core.credential import (
    ANONYMOUS,
    Credential,
    CredentialProvider,
    ExchangingCredentialProvider,
    credential_for,
)
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.host_patterns import HostPatterns

_HOSTS = "hosts"
_REGISTRIES = "registries"
# These are bound to the hosts of the executor's scopes where nothing else is said.
_BOUND_BY_SCOPES = frozenset({"static", "kubernetes"})


class ChainOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        providers: In the order in which they are asked; each with its `provider` and parameters, and with `hosts`, the only
            hosts (or zones as `*.example.com`) that it is asked for; every host when omitted.
    """

    providers: Annotated[tuple[Mapping[str, Any], ...], msgspec.Meta(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True)
class Link:
    """One provider of a chain.

    Attributes:
        provider: The provider.
        hosts: The hosts that it is asked for; None for every host.
    """

    provider: CredentialProvider
    hosts: HostPatterns | None = None

    def covers(self, registry: str) -> bool:
        """Return whether it is asked for a canonical registry."""
        return self.hosts is None or self.hosts.match(registry)


class ChainCredentials:
    """The first credential that one of several providers has.

    Args:
        links: The providers, in order.
    """

    def __init__(self, links: tuple[Link, ...]) -> None:
        self._links = links

    async def credential(self, registry: str) -> Credential:
        """Return the first credential for a whole registry, or `ANONYMOUS`; errors as for a repository."""
        return await self.repository_credential(registry, "")

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return the first credential for a repository, or `ANONYMOUS`.

        Raises:
            StoreError: A provider that covers the host failed; those behind it are not asked.
        """
        for link in self._links:
            if not link.covers(registry):
                continue
            # Errors leave the loop: an outage of one provider must not change the identity that the registry sees.
            found = await credential_for(link.provider, registry, repository)
            if not found.is_anonymous:
                return found
        return ANONYMOUS

    def drop(self, registry: str, credential: Credential) -> None:
        """Forget a refused credential, in every provider that covers the host."""
        for link in self._links:
            if link.covers(registry) and isinstance(link.provider, ExchangingCredentialProvider):
                link.provider.drop(registry, credential)


async def build(name: str, options: ChainOptions, resources: Resources) -> CredentialProvider:
    """Build every provider of the chain.

    Raises:
        ConfigurationError: One cannot be built, or names no host.
    """
    del name
    return ChainCredentials(
        tuple([await _link(each, f"providers[{n}]", resources) for n, each in enumerate(options.providers)])
    )


async def _link(parameters: Mapping[str, Any], path: str, resources: Resources) -> Link:
    own = {key: value for key, value in parameters.items() if key != _HOSTS}
    hosts = _hosts(parameters[_HOSTS], f"{path}.{_HOSTS}") if _HOSTS in parameters else None
    if hosts is not None and own.get("provider") in _BOUND_BY_SCOPES:
        own.setdefault(_REGISTRIES, list(parameters[_HOSTS]))
    return Link(await resources.credentials(own, path), hosts)


def _hosts(found: object, path: str) -> HostPatterns:
    if not isinstance(found, list | tuple) or not found or not all(isinstance(each, str) for each in found):
        raise ConfigurationError(
            "it is not a list of hosts", path=path, remedy='Write one, as ["*.azurecr.io"].'
        )
    try:
        return HostPatterns(tuple(found))
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path=path, remedy=error.remedy) from None


plugin: Plugin[CredentialProvider] = Plugin(
    options=ChainOptions, build=build, summary="Several providers, each for its hosts"
)
