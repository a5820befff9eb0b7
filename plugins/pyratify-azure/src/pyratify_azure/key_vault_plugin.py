"""The plugins `azurekeyvault` (Ratify v2's and v1's parameters) and `azurekms` (cosign's references)."""

import re
from functools import partial
from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.telemetry import NULL_OBSERVER
from pyratify_azure.azure_clouds import vault_scope
from pyratify_azure.entra_tokens import EntraTokens
from pyratify_azure.key_vault import KeyVault, VaultAccess, VaultObject, Wanted

_EXAMPLE = "https://NAME.vault.azure.net"
_REFERENCE = re.compile(
    r"azurekms://(?P<host>[A-Za-z0-9.-]{1,255})/(?P<name>[A-Za-z0-9-]{1,127})(?:/(?P<version>[0-9A-Za-z]{1,64}))?"
)
# Key Vault's own rules; they keep both within one segment of a path.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,127}$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]{0,64}$")]


class ObjectOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A key or certificate.

    Attributes:
        name: Its name.
        version: Its version; the newest ones when omitted.
        version_history_limit: How many of the newest versions count; that of the provider when omitted.
    """

    name: Name
    version: Version = ""
    version_history_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class VaultOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the provider `azurekeyvault`.

    Attributes:
        vault_url: The vault's address, as https://NAME.vault.azure.net.
        vault_uri: The same, as Ratify v1 calls it.
        client_id: The identity; that of the environment when omitted.
        tenant_id: Its tenant; that of the environment when omitted.
        keys: Keys.
        certificates: Certificates.
        version_history_limit: How many of the newest versions count where no version is named.
        refresh_interval: Seconds after which everything is read again; 0 for never.
    """

    vault_url: str = msgspec.field(default="", name="vaultURL")
    vault_uri: str = msgspec.field(default="", name="vaultURI")
    client_id: str = msgspec.field(default="", name="clientID")
    tenant_id: str = msgspec.field(default="", name="tenantID")
    keys: tuple[ObjectOptions, ...] = ()
    certificates: tuple[ObjectOptions, ...] = ()
    version_history_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = msgspec.field(
        default=1, name="versionHistoryLimit"
    )
    refresh_interval: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(
        default=3600.0, name="refreshInterval"
    )


class ReferenceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the provider `azurekms`.

    Attributes:
        references: Keys, as `azurekms://NAME.vault.azure.net/KEY` with or without `/VERSION`.
        client_id: The identity; that of the environment when omitted.
        tenant_id: Its tenant; that of the environment when omitted.
        refresh_interval: Seconds after which the keys are read again; 0 for never.
    """

    references: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    client_id: str = msgspec.field(default="", name="clientID")
    tenant_id: str = msgspec.field(default="", name="tenantID")
    refresh_interval: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(
        default=3600.0, name="refreshInterval"
    )


class SeveralVaults:
    """The keys of several vaults together.

    Args:
        vaults: The vaults.
        refresh_interval: Seconds after which they are read again.
    """

    def __init__(self, vaults: tuple[KeyVault, ...], refresh_interval: float) -> None:
        self._vaults = vaults
        self.refresh_interval = refresh_interval

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return all keys; errors as in `KeyVault.keys`."""
        return tuple([each for vault in self._vaults for each in await vault.keys()])


async def build(name: str, options: VaultOptions, resources: Resources) -> KeyVault:
    """Make the provider.

    Raises:
        ConfigurationError: Nothing is named to read, or the address is that of no vault of Azure.
    """
    del name
    # With both, one of them would silently have no effect.
    if bool(options.vault_url) is bool(options.vault_uri):
        raise ConfigurationError("exactly one of vaultURL and vaultURI is needed", path="vaultURL")
    if not options.keys and not options.certificates:
        raise ConfigurationError("neither keys nor certificates are named", path="keys")
    wanted = Wanted(_objects(options.keys, options), _objects(options.certificates, options))
    path = "vaultURL" if options.vault_url else "vaultURI"
    tokens = EntraTokens(options.client_id, options.tenant_id, resources.shared.observer or NULL_OBSERVER)
    return _vault(
        (options.vault_url or options.vault_uri, path), tokens, wanted, options.refresh_interval, resources
    )


def _objects(named: tuple[ObjectOptions, ...], options: VaultOptions) -> tuple[VaultObject, ...]:
    usual = options.version_history_limit
    return tuple(VaultObject(each.name, each.version, each.version_history_limit or usual) for each in named)


async def build_references(name: str, options: ReferenceOptions, resources: Resources) -> SeveralVaults:
    """Make the provider.

    Raises:
        ConfigurationError: A reference that is none, or names no vault of Azure.
    """
    del name
    tokens = EntraTokens(options.client_id, options.tenant_id, resources.shared.observer or NULL_OBSERVER)
    vaults = []
    for index, text in enumerate(options.references):
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise ConfigurationError(
                f"{text[:200]!r} is no reference to a key of Key Vault",
                path=f"references[{index}]",
                remedy="Write azurekms://NAME.vault.azure.net/KEY.",
            )
        wanted = Wanted((VaultObject(found["name"], found["version"] or ""),))
        address = f"https://{found['host']}", f"references[{index}]"
        vaults.append(_vault(address, tokens, wanted, options.refresh_interval, resources))
    return SeveralVaults(tuple(vaults), options.refresh_interval)


def _vault(
    address: tuple[str, str], tokens: EntraTokens, wanted: Wanted, interval: float, resources: Resources
) -> KeyVault:
    from pyratify.http.http_options import HttpOptions
    from pyratify.http.json_api import JsonApi, parse_address
    from pyratify.http.transport_asyncio import asyncio_transport

    url = parse_address(*address, _EXAMPLE)
    scope = vault_scope(url.origin.authority)
    if not scope:
        raise ConfigurationError(
            f"{url.origin.authority} is no vault of Azure, and would be shown a token of Azure",
            path=address[1],
            remedy=f"Write {_EXAMPLE}, or the name in a sovereign cloud.",
        )
    settings = HttpOptions(destinations=resources.shared.destinations)
    api = JsonApi(url, partial(asyncio_transport, settings))
    access = VaultAccess(api, tokens, scope, resources.shared.observer or NULL_OBSERVER)
    return KeyVault(access, wanted, interval)


plugin: Plugin[KeyVault] = Plugin(
    options=VaultOptions, build=build, summary="Keys and certificates of Azure Key Vault"
)
references_plugin: Plugin[SeveralVaults] = Plugin(
    options=ReferenceOptions,
    build=build_references,
    summary="Keys of Azure Key Vault, by cosign's references",
)
