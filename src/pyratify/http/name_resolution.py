"""Resolve each name once, and check its addresses before a connection is made to one of just these."""

import socket
from collections.abc import Callable, Iterable

from pyratify.core.addresses import Destinations, literal
from pyratify.http.proxies import Proxy
from pyratify.http.ssrf import (
    check_addresses,
    check_destination,
    check_literal,
    check_unresolved,
)
from pyratify.http.threads import in_thread
from pyratify.http.transport import Request
from pyratify.http.url import Origin

Resolve = Callable[[str, int], Iterable[str]]


def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, as the operating system orders them.

    Raises:
        OSError: There is none.
    """
    try:
        # One socket type, or every address comes once for each of them.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "the name is too long") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


async def allowed_addresses(
    request: Request, proxy: Proxy | None, resolve: Resolve, only: Destinations | None = None
) -> tuple[str, ...]:
    """Return the addresses that may be dialled for a request: its own, or its proxy's; each name is resolved once.

    Args:
        request: The request.
        proxy: The proxy that it goes through; its own addresses are the administrator's choice.
        resolve: Names to addresses.
        only: The destinations that bound internal targets too; None for no bound.

    Raises:
        OSError: The name has no address.
        StoreError: `SSRF_BLOCKED`.
    """
    host = (proxy.origin if proxy else request.url.origin).host
    # Nothing to check and nothing to resolve, so no thread; other spellings are the resolver's.
    if request.trust.internal and only is None and literal(host) == host:
        return (host,)
    return await in_thread(f"resolving {host}", lambda: _addresses_for(request, proxy, resolve, only))


def check_dialled(
    origin: Origin, addresses: tuple[str, ...], only: Destinations | None, *, internal: bool
) -> None:
    """Refuse an origin with any address that must not be dialled.

    Args:
        origin: The target.
        addresses: Its addresses.
        only: The destinations that bound internal targets too; None for no bound.
        internal: Whether it may have addresses that are not public, as in `Trust`.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    if not internal:
        check_addresses(origin.host, addresses)
    elif only is not None:
        check_destination(origin, addresses, only)


def check_behind_proxy(request: Request, resolve: Resolve, only: Destinations | None) -> None:
    """Refuse a request through a proxy whose target resolves here to an address that it must not be sent to.

    Raises:
        StoreError: `SSRF_BLOCKED`.
    """
    origin = request.url.origin
    if request.trust.internal and only is None:
        return
    try:
        addresses = tuple(resolve(origin.host, origin.port))
    # No address here is normal behind a proxy: many networks resolve public names at the proxy only.
    except OSError:
        check_unresolved(origin, only)
        return
    check_dialled(origin, addresses, only, internal=request.trust.internal)


def _addresses_for(
    request: Request, proxy: Proxy | None, resolve: Resolve, only: Destinations | None
) -> tuple[str, ...]:
    origin = request.url.origin
    # Before the proxy: it would dial an address in the URL without any resolution here.
    if not request.trust.internal:
        check_literal(origin.host)
    if proxy is not None:
        # Weaker than dialling what was checked, as the proxy resolves again; but it stops plain attempts.
        check_behind_proxy(request, resolve, only)
        return tuple(resolve(proxy.origin.host, proxy.origin.port))
    addresses = tuple(resolve(origin.host, origin.port))
    check_dialled(origin, addresses, only, internal=request.trust.internal)
    return addresses
