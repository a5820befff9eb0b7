"""Where an entry point that serves takes its configuration from: a file, or the resources of a cluster."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pyratify.config.exemption import Exemption
from pyratify.config.schema import NodeConfig
from pyratify.core.engine import Engine
from pyratify.core.telemetry import Observer


class Snapshot(Protocol):
    """One whole configuration, while it is used."""

    engine: Engine
    types: Mapping[str, str]
    node: NodeConfig
    exemptions: tuple[Exemption, ...]

    def used(self) -> AbstractAsyncContextManager[Any]:
        """Keep it open meanwhile."""
        ...


class Source(Protocol):
    """The current configuration, by namespace."""

    def acquire(self, namespace: str) -> Snapshot | None:
        """Return the current configuration for a namespace, or None when there is none.

        Args:
            namespace: The tenant that asks; empty for none.
        """
        ...


class FollowedSource(Source, Protocol):
    """A configuration that may change at any time.

    Attributes:
        instrument: Changes every engine before it is used, as to measure it.
        observer: Watches what engines do, for `build_engine`; None for none.
        secret: What processes that share verdicts have in common, for `build_engine`; None when nothing is shared.
    """

    instrument: Callable[[Engine], Engine] | None
    observer: Observer | None
    secret: bytes | None

    async def refresh(self) -> bool:
        """Look for changes at once; return whether a new configuration is in use."""
        ...

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        ...

    def sweep(self) -> None:
        """Forget what the engines in use remember of credentials that are no longer used."""
        ...

    async def aclose(self) -> None:
        """Close what it holds open."""
        ...

    def unready_reason(self) -> str:
        """Return why no verdicts should be asked for here, or an empty text."""
        ...

    def gauges(self) -> Mapping[str, Callable[[], float]]:
        """Return what is to be measured of it, by the metric's name."""
        ...
