"""Which addresses a server, or a tenant's configuration, may send this client to (server-side request forgery)."""

from pyratify.core.addresses import Destinations, is_public, literal
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.url import Origin

_UNLISTED = (
    "Name a registry at a public address, or let the cluster's administrator list it: --tenant-allowed-host."
)


class InternalAddress(StoreError):
    """A host has an address that is not public, and the configuration does not name the host."""


def check_literal(host: str) -> None:
    """Refuse a host that is an address, in any spelling, and no public one.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    # Resolvers also accept `2130706433` and `0x7f.1`, which a comparison of texts would let pass.
    address = literal(host)
    if address is not None:
        check_addresses(host, (address,))


def check_addresses(host: str, addresses: tuple[str, ...]) -> None:
    """Refuse a host with any address that is not public.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    # One inside is enough: with a mixed answer, the order of the addresses would decide what is dialled.
    inside = next((address for address in addresses if not is_public(address)), None)
    if inside is not None:
        raise InternalAddress(
            Reason.SSRF_BLOCKED,
            f"{host} has the address {inside}, which is not public",
            remedy=f"If {host} is really the registry's token server, name it in the store's authRealms.",
        )


def check_destination(origin: Origin, addresses: tuple[str, ...], only: Destinations) -> None:
    """Refuse an origin with any address that is neither public nor listed.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    blocked = only.blocked(origin.host, origin.port, addresses)
    if blocked is not None:
        raise StoreError(
            Reason.SSRF_BLOCKED,
            f"{origin.host} has the address {blocked}, which is neither public nor listed for namespaces",
            remedy=_UNLISTED,
        )


def check_unresolved(origin: Origin, only: Destinations | None) -> None:
    """Refuse an origin whose name only a proxy could resolve, unless it is listed or there is no bound.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    # Split DNS: the proxy may know an internal name that does not resolve here, so silence is no permission.
    if only is not None and not only.lists(origin.host, origin.port):
        raise StoreError(
            Reason.SSRF_BLOCKED,
            f"{origin.host} has no address that is known here, and only the proxy could tell whether it is public",
            remedy=_UNLISTED,
        )
