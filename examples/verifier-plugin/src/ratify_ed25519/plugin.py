"""What the entry point names: the parameters, and how the verifier is made of them."""

from typing import Any

import msgspec

from pyratify.core.plugin import Plugin, Resources
from ratify_ed25519.verifier import Ed25519Verifier, load_keys


class Ed25519Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the verifier.

    Attributes:
        keys: One key provider with its parameters, as `{"files": ["release.pub"]}`.
    """

    keys: dict[str, Any]


async def build(name: str, options: Ed25519Options, resources: Resources) -> Ed25519Verifier:
    """Make the verifier; its keys are loaded now, so that a bad key is found when the configuration is read.

    Raises:
        ConfigurationError: A key cannot be had or is no Ed25519 public key.
    """
    provider = await resources.keys(options.keys, "keys")
    return Ed25519Verifier(name, load_keys(await provider.keys()))


plugin: Plugin[Ed25519Verifier] = Plugin(
    options=Ed25519Options, build=build, summary="Detached Ed25519 signatures (an example of a plugin)"
)
