"""The plugin `inline`: keys and certificates that stand in the configuration."""

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.keys.documents import InlineDocuments


class InlineOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        certs: Certificates in PEM.
        keys: Public keys in PEM.
    """

    certs: str = ""
    keys: str = ""


async def build(name: str, options: InlineOptions, resources: Resources) -> InlineDocuments:
    """Make the provider.

    Raises:
        ConfigurationError: Neither keys nor certificates are given.
    """
    del name, resources
    if not options.certs.strip() and not options.keys.strip():
        raise ConfigurationError("neither certs nor keys are given")
    return InlineDocuments(certs=options.certs, keys=options.keys)


plugin: Plugin[InlineDocuments] = Plugin(
    options=InlineOptions, build=build, summary="Keys and certificates in the configuration itself"
)
