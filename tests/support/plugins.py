"""What the configuration reader lends a plugin, for tests of plugins alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyratify.core.clock import Clock
from pyratify.core.credential import CredentialProvider
from pyratify.core.key import CertificateProvider, KeyProvider
from pyratify.core.shared_resources import Shared
from pyratify.testing.fakes import FakeClock


@dataclass(frozen=True)
class FakeResources:
    """Resources without any source of keys, certificates or credentials."""

    base: Path = Path()
    scopes: tuple[str, ...] = ("example.com",)
    verifiers: tuple[str, ...] = ()
    verifier_types: Mapping[str, str] = field(default_factory=dict)
    cosign_tags: tuple[str, ...] = ("sig", "att", "sbom")
    clock: Clock = field(default_factory=FakeClock)
    shared: Shared = field(default_factory=Shared)

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """There are none."""
        raise NotImplementedError

    async def certificates(self, sources: Mapping[str, Any], path: str) -> CertificateProvider:
        """There are none."""
        raise NotImplementedError

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> CredentialProvider:
        """There are none."""
        raise NotImplementedError

    async def plugin(self, kind: str, name: str, parameters: Mapping[str, Any], path: str) -> Any:
        """There are none."""
        raise NotImplementedError
