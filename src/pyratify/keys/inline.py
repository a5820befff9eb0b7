"""The plugin `inline`: keys and certificates that stand in the configuration."""

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.keys.documents import InlineDocuments, read_period


class InlineOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        certs: Certificates in PEM.
        keys: Public keys in PEM.
        not_before: From when on signatures by the keys count, as `2026-01-31T00:00:00Z`.
        not_after: Until when they do.
    """

    certs: str = ""
    keys: str = ""
    not_before: str = ""
    not_after: str = ""


async def build(name: str, options: InlineOptions, resources: Resources) -> InlineDocuments:
    """Make the provider.

    Raises:
        ConfigurationError: Neither keys nor certificates are given, or the period is none.
    """
    del name, resources
    if not options.certs.strip() and not options.keys.strip():
        raise ConfigurationError(
            "neither certs nor keys are given",
            remedy="Write keys in PEM below keys, certificates below certs.",
        )
    # Read when the configuration is built: a wrong period fails at start and not at the first signature.
    validity = read_period(options.not_before, options.not_after)
    return InlineDocuments(certs=options.certs, keys=options.keys, validity=validity)


plugin: Plugin[InlineDocuments] = Plugin(
    options=InlineOptions, build=build, summary="Keys and certificates in the configuration itself"
)
