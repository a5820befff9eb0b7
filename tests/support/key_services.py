"""A key management service in memory, and the plugin of the kind keys that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, SourceUnreachable
from pyratify.core.plugin import Plugin, Registry, Resources
from pyratify.core.reason import Reason


class RotatingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the plugin: how often its keys are read, and which ones."""

    refresh_interval: float = 60.0
    references: tuple[str, ...] = ()


@dataclass
class KeyService:
    """Keys by version; it can be down, and counts how often it is read."""

    versions: dict[str, bytes]
    down: bool = False
    disabled: bool = False
    fault: Exception | None = None
    reads: int = 0
    refresh_interval: float = field(default=0.0, init=False)
    asked: list[str] = field(default_factory=list)

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return every version."""
        self.reads += 1
        if self.down:
            raise SourceUnreachable("the key service does not answer")
        if self.disabled:
            raise ConfigurationError("the key is disabled", reason=Reason.KEY_UNAVAILABLE)
        if self.fault is not None:
            raise self.fault
        return tuple(KeyMaterial(data, f"version {n}", version=n) for n, data in self.versions.items())

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return every version."""
        return await self.keys()

    def install(self, monkeypatch: pytest.MonkeyPatch, called: str = "rotating") -> None:
        """Make it a plugin of this name, beside those that are installed."""

        async def build(name: str, options: RotatingOptions, resources: Resources) -> "KeyService":
            del name, resources
            self.refresh_interval = options.refresh_interval
            self.asked.extend(options.references)
            return self

        plugin: Plugin[Any] = Plugin(options=RotatingOptions, build=build, summary="for tests", traced=True)
        load, names = Registry.load, Registry.names

        def loaded(registry: Registry[Any], name: str, path: str) -> Any:
            return plugin if (registry.kind, name) == ("keys", called) else load(registry, name, path)

        def named(registry: Registry[Any]) -> dict[str, tuple[str, ...]]:
            return names(registry) | ({called: ("tests",)} if registry.kind == "keys" else {})

        monkeypatch.setattr(Registry, "load", loaded)
        monkeypatch.setattr(Registry, "names", named)


def rotating_keys(**parameters: Any) -> Mapping[str, Any]:
    """Return the keys of a trust policy that are read from the service."""
    return {"rotating": parameters}


def hide(monkeypatch: pytest.MonkeyPatch, *plugins: str) -> None:
    """Make plugins of the kind keys look as if they were not installed."""
    names, entries = Registry.names, Registry._entries  # noqa: SLF001 - what a name is looked up in

    def without(registry: Registry[Any]) -> dict[str, tuple[str, ...]]:
        return {name: owners for name, owners in names(registry).items() if name not in plugins}

    def found(registry: Registry[Any]) -> tuple[Any, ...]:
        return tuple(entry for entry in entries(registry) if entry.name not in plugins)

    monkeypatch.setattr(Registry, "names", without)
    monkeypatch.setattr(Registry, "_entries", found)
