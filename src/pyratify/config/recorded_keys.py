"""Keys and certificates as an engine is built with them: added to its fingerprint, and remembered where they may change."""

from pyratify.config.configuration_fingerprint import add_materials
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.key import CertificateProvider, KeyMaterial, KeyProvider, RefreshingProvider
from pyratify.core.key_source import KeySource, Read
from pyratify.core.shared_resources import Shared


@dataclass(frozen=True, slots=True)
class Record:
    """Where what was read is recorded.

    Attributes:
        shared: What the engine's plugins share.
        clock: The engine's clock.
    """

    shared: Shared
    clock: Clock

    async def read(self, name: str, provider: object, read: Read) -> tuple[KeyMaterial, ...]:
        """Read a provider; one that may change becomes a source of the engine."""
        found = await read()
        if isinstance(provider, RefreshingProvider) and provider.refresh_interval > 0:
            source = KeySource(name, provider.refresh_interval, read, self.clock, found)
            self.shared.key_sources.append(source)
        return found


@dataclass(frozen=True, slots=True)
class RecordedKeys:
    """A key provider whose keys are recorded when they are read."""

    name: str
    provider: KeyProvider
    record: Record

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the keys.

        Raises:
            ConfigurationError: There is none, or a source cannot be read.
        """
        found = await self.record.read(self.name, self.provider, self.provider.keys)
        # With the fingerprint, so that a verdict under other keys is not taken for one under these.
        return add_materials(self.record.shared.fingerprint, "keys", found)


@dataclass(frozen=True, slots=True)
class CombinedCertificates:
    """The certificates of several providers together, recorded when they are read."""

    providers: tuple[tuple[str, CertificateProvider], ...]
    record: Record

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return all certificates; every provider has to have some.

        Raises:
            ConfigurationError: One of them has none or cannot be read.
        """
        found = [
            each
            for name, provider in self.providers
            for each in await self.record.read(name, provider, provider.certificates)
        ]
        return add_materials(self.record.shared.fingerprint, "certificates", tuple(found))
