"""What goes into an engine's fingerprint: the configuration, the plugins, and every key and certificate as it was read."""

from dataclasses import dataclass
from typing import Any

import msgspec

from pyratify.config.schema import Config
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key import KeyMaterial, KeyProvider
from pyratify.core.plugin import Plugin, Registry


def begin_trace(fingerprint: Fingerprint, config: Config, secret: bytes | None) -> None:
    """Tell the configuration, with all variables and files put in; without a secret nothing is to be shared."""
    if secret is None:
        fingerprint.miss("a secret")
        return
    try:
        document = msgspec.json.encode(config, order="sorted")
    except (TypeError, ValueError):  # parameters with something that is no JSON
        fingerprint.miss("the configuration")
    else:
        fingerprint.add("configuration", document)


def trace_plugin(fingerprint: Fingerprint, kind: str, name: str, plugin: Any) -> None:
    """Tell which plugin in which version answers; one that does not say that it is traced is missing."""
    if fingerprint.untraced:
        return
    if isinstance(plugin, Plugin) and plugin.traced:
        fingerprint.add(f"{kind}/{name}", Registry[Any](kind).origin(name).encode())
    else:
        fingerprint.miss(f"{kind}/{name}")


def traced(
    fingerprint: Fingerprint, name: str, materials: tuple[KeyMaterial, ...]
) -> tuple[KeyMaterial, ...]:
    """Return keys or certificates after telling how many there are and what is in them; where they come from does not matter.

    Without their number, one that is moved from one folder to another would go unnoticed.
    """
    fingerprint.add("number", str(len(materials)).encode())
    for material in materials:
        fingerprint.add(name, material.data)
        fingerprint.add("validity", repr(material.validity).encode())
    return materials


@dataclass(frozen=True, slots=True)
class TracedKeys:
    """A key provider whose keys are told.

    Attributes:
        provider: The provider.
        fingerprint: Told every key.
    """

    provider: KeyProvider
    fingerprint: Fingerprint

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the keys.

        Raises:
            ConfigurationError: There is none, or a source cannot be read.
        """
        return traced(self.fingerprint, "keys", await self.provider.keys())
