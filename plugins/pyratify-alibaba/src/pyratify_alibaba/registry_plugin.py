"""The plugin `alibaba`, and `alibabacloudAcrBasic` as Ratify v1 names it."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from pyratify.core.credential import CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.credentials.host_patterns import narrowed
from pyratify_alibaba.acr import AcrExchange, RoleIdentity
from pyratify_alibaba.acr_host import parse_host

_VARIABLES = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")


class InstanceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An instance.

    Attributes:
        instance_name: Its name, as it stands in its host.
        instance_id: Its id.
    """

    instance_name: str
    instance_id: str


class RegistryOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        name: Ratify v1's name of the provider; without effect.
        default_instance_id: The instance of hosts that are not named below; that of ALIBABA_CLOUD_ACR_INSTANCE_ID when omitted.
        acr_instances_config: Instances by name.
        registries: The only hosts of Alibaba Cloud that a credential is made for; all of its hosts when omitted.
    """

    name: str = "alibabacloudAcrBasic"
    default_instance_id: str = ""
    acr_instances_config: tuple[InstanceOptions, ...] = ()
    registries: tuple[str, ...] = ()


async def build(name: str, options: RegistryOptions, resources: Resources) -> CredentialProvider:
    """Make the provider, with the role of the service account (RRSA).

    Raises:
        ConfigurationError: The environment has no role, an instance is named twice, or a registry is none.
    """
    from pyratify.http.http_options import HttpOptions
    from pyratify.http.transport_asyncio import asyncio_transport

    del name
    names = [each.instance_name for each in options.acr_instances_config]
    # Otherwise the last one would silently win.
    if len(set(names)) != len(names):
        raise ConfigurationError("an instance is named twice", path="acrInstancesConfig")
    instances = {each.instance_name: each.instance_id for each in options.acr_instances_config}
    usual = options.default_instance_id or os.environ.get("ALIBABA_CLOUD_ACR_INSTANCE_ID", "")
    connect = partial(asyncio_transport, HttpOptions(destinations=resources.shared.destinations))
    exchange = AcrExchange(_identity(os.environ), instances, usual, connect, resources.clock)
    # Narrowed and never widened: no configuration shows a token to a host of another service.
    covers = narrowed(lambda registry: parse_host(registry) is not None, options.registries)
    return ExchangedCredentials(covers, exchange.exchange, resources.clock)


def _identity(environment: Mapping[str, str]) -> RoleIdentity:
    missing = [name for name in _VARIABLES if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            remedy="Enable RRSA for the cluster and annotate the service account with pod-identity.alibabacloud.com/role-name.",
        )
    role, provider, file = (environment[name] for name in _VARIABLES)
    return RoleIdentity(role, provider, Path(file))


plugin: Plugin[CredentialProvider] = Plugin(
    options=RegistryOptions, build=build, summary="Alibaba Cloud Container Registry, by RRSA"
)
