"""The interfaces between verifiers and sources of keys and certificates."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Validity:
    """A period that includes both of its ends; None is open.

    Attributes:
        start: The first moment.
        end: The last moment.
    """

    start: datetime | None = None
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Return whether the moment lies in the period."""
        # RFC 5280 4.1.2.5: from notBefore through notAfter, inclusive.
        return (self.start is None or self.start <= at) and (self.end is None or at <= self.end)


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A document that holds public keys or certificates, not yet parsed.

    Attributes:
        data: PEM or DER.
        origin: Where it comes from, for messages.
        validity: The period in which its public keys may have signed.
        version: Which version of a key it is, where its source numbers them.
    """

    data: bytes
    origin: str
    validity: Validity = ALWAYS
    version: str = ""


class SourceUnreachable(ConfigurationError):
    """A source of keys did not answer: what was read of it before may still hold.

    Every other `ConfigurationError` of a source is its answer, as that a key is disabled or gone.
    """


def key_fault(message: str, remedy: str, *, unanswered: bool) -> ConfigurationError:
    """Return the error of a source of keys, with `KEY_UNAVAILABLE`: `SourceUnreachable` where it did not answer."""
    kind = SourceUnreachable if unanswered else ConfigurationError
    return kind(message, reason=Reason.KEY_UNAVAILABLE, remedy=remedy)


async def read_each(
    read: Callable[[K], Awaitable[Iterable[KeyMaterial]]], wanted: Iterable[K]
) -> tuple[KeyMaterial, ...]:
    """Return what is read of each thing; that one does not answer does not hide that another is disabled or gone.

    Raises:
        ConfigurationError: The first answer that is none of keys; where all others answered, the first `SourceUnreachable`.
    """
    found: list[KeyMaterial] = []
    outages: list[SourceUnreachable] = []
    for one in wanted:
        try:
            found.extend(await read(one))
        except SourceUnreachable as outage:
            outages.append(outage)
    if outages:
        raise outages[0]
    return tuple(found)


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


@runtime_checkable
class RefreshingProvider(Protocol):
    """A source of keys or certificates that change without the configuration, as in a key management service."""

    @property
    def refresh_interval(self) -> float:
        """After how many seconds it is read again while an engine is in use; 0 for never."""
        ...
