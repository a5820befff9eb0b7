"""What goes into an engine's fingerprint: the configuration, the plugins, and every key and certificate as it was read."""

from typing import Any

import msgspec

from pyratify.config.schema import Config, NodeConfig
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Plugin, Registry


def add_configuration(fingerprint: Fingerprint, config: Config, secret: bytes | None) -> None:
    """Add the configuration, with variables and files filled in; without a secret nothing is shared, so mark it incomplete."""
    if secret is None:
        fingerprint.miss("a secret")
        return
    try:
        # Sorted: the order of keys in a file changes no verdict.
        # `node` says what is answered where there is no verdict, and changes none.
        verdicts = msgspec.structs.replace(config, node=NodeConfig())
        document = msgspec.json.encode(verdicts, order="sorted")
    except (TypeError, ValueError):  # parameters with something that is no JSON
        fingerprint.miss("the configuration")
    else:
        fingerprint.add("configuration", document)


def add_plugin(fingerprint: Fingerprint, kind: str, name: str, plugin: Any) -> None:
    """Add a plugin's name and version; one that does not declare itself `traced` makes the fingerprint incomplete."""
    if fingerprint.untraced:
        return
    if isinstance(plugin, Plugin) and plugin.traced:
        # The version: another one may decide differently with the same parameters.
        fingerprint.add(f"{kind}/{name}", Registry[Any](kind).origin(name).encode())
    else:
        fingerprint.miss(f"{kind}/{name}")


def add_materials(
    fingerprint: Fingerprint, name: str, materials: tuple[KeyMaterial, ...]
) -> tuple[KeyMaterial, ...]:
    """Add keys or certificates, without their origin, and return them.

    Their number is added too: without it, a key that moves from one source to the next would go unnoticed.
    """
    fingerprint.add("number", str(len(materials)).encode())
    for material in materials:
        fingerprint.add(name, material.data)
        fingerprint.add("validity", repr(material.validity).encode())
    return materials
