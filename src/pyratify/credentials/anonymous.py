"""The plugin `anonymous`: every registry is read anonymously."""

import msgspec

from pyratify.core.credential import CredentialProvider
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.providers import AnonymousCredentials


class AnonymousOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The provider has no parameters."""


async def build(name: str, options: AnonymousOptions, resources: Resources) -> CredentialProvider:
    """Make the provider."""
    del name, options, resources
    return AnonymousCredentials()


plugin: Plugin[CredentialProvider] = Plugin(
    options=AnonymousOptions, build=build, summary="No credentials: only what everyone may read"
)
