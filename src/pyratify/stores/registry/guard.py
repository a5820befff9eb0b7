"""Which addresses a registry may send its clients to (server-side request forgery)."""

from pyratify.core.addresses import is_public, literal
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason

__all__ = ["check_addresses", "check_literal", "is_public", "literal"]


def check_literal(host: str) -> None:
    """Refuse a host that is the address of no public place.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    address = literal(host)
    if address is not None:
        check_addresses(host, (address,))


def check_addresses(host: str, addresses: tuple[str, ...]) -> None:
    """Refuse a host with any address that is not public.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    inside = next((address for address in addresses if not is_public(address)), None)
    if inside is not None:
        raise StoreError(
            Reason.SSRF_BLOCKED,
            f"the registry points at {host}, whose address {inside} is not public",
            remedy="If this is really the registry's token server, name its host in the store's authRealms.",
        )
