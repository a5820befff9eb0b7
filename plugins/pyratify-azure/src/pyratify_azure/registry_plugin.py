"""The plugin `azure` of the kind credentials: Ratify v2's parameters, and Ratify v1's list of hosts."""

import os
from functools import partial

import msgspec

from pyratify.core.credential import CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.telemetry import NULL_OBSERVER, Observer
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.credentials.host_patterns import HostPatterns
from pyratify_azure.acr import AcrExchange
from pyratify_azure.azure_clouds import REGISTRIES
from pyratify_azure.entra_tokens import EntraTokens, TokenSource
from pyratify_azure.identity_binding import BoundTokens, binding_of


class BindingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Identity binding.

    Attributes:
        enabled: Whether tokens are exchanged by the cluster's API server, and in no other way.
    """

    enabled: bool = False


class RegistryOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the provider.

    Attributes:
        client_id: The identity; that of the environment when omitted.
        tenant_id: Its tenant; that of the environment when omitted.
        identity_binding: Whether identity binding is used.
        endpoints: The only registries (or zones as `*.azurecr.io`) that may see a token; those of Azure's clouds when omitted.
    """

    client_id: str = msgspec.field(default="", name="clientID")
    tenant_id: str = msgspec.field(default="", name="tenantID")
    identity_binding: BindingOptions = msgspec.field(default=BindingOptions(), name="identityBinding")
    endpoints: tuple[str, ...] = REGISTRIES


async def build(name: str, options: RegistryOptions, resources: Resources) -> CredentialProvider:
    """Make the provider.

    Raises:
        ConfigurationError: A registry that is none, or an environment without the binding that is asked for.
    """
    from pyratify.http.http_options import HttpOptions
    from pyratify.http.transport_asyncio import asyncio_transport

    del name
    # No host would match, and every private registry would be asked anonymously.
    if not options.endpoints:
        raise ConfigurationError("the list of registries is empty", path="endpoints")
    try:
        hosts = HostPatterns(options.endpoints)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path="endpoints", remedy=error.remedy) from None
    observer = resources.shared.observer or NULL_OBSERVER
    connect = partial(asyncio_transport, HttpOptions(destinations=resources.shared.destinations))
    tenant = options.tenant_id or os.environ.get("AZURE_TENANT_ID", "")
    exchange = AcrExchange(_tokens(options, resources, observer), connect, resources.clock, tenant, observer)
    return ExchangedCredentials(hosts.match, exchange.exchange, resources.clock)


def _tokens(options: RegistryOptions, resources: Resources, observer: Observer) -> TokenSource:
    # Exclusive: a fallback would use another identity than the one that is bound.
    if options.identity_binding.enabled:
        return BoundTokens(binding_of(os.environ, options.client_id), resources.clock, observer)
    return EntraTokens(options.client_id, options.tenant_id, observer)


plugin: Plugin[CredentialProvider] = Plugin(
    options=RegistryOptions,
    build=build,
    summary="Azure Container Registry, by workload identity, managed identity or identity binding",
)
