"""The interfaces between verifiers and the places that keys and certificates come from."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A document that holds public keys or certificates, not yet parsed.

    Attributes:
        data: PEM or DER.
        origin: Where it comes from, for messages.
    """

    data: bytes
    origin: str


class KeyProvider(Protocol):
    """A source of public keys."""

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the public keys, at least one.

        Raises:
            ConfigurationError: There is none, or a source cannot be read.
        """
        ...


class CertificateProvider(Protocol):
    """A source of certificates."""

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return the certificates, at least one.

        Raises:
            ConfigurationError: There is none, or a source cannot be read.
        """
        ...
