"""Which addresses are dialled: each name is resolved once, and checked before anything is sent."""

import socket
from collections.abc import Callable, Iterable

from pyratify.stores.registry.background import in_thread
from pyratify.stores.registry.guard import check_addresses, check_literal, literal
from pyratify.stores.registry.proxies import Proxy
from pyratify.stores.registry.transport import Request
from pyratify.stores.registry.url import Origin

Resolve = Callable[[str, int], Iterable[str]]


def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, as the operating system orders them.

    Raises:
        OSError: There is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


async def find_addresses(request: Request, proxy: Proxy | None, resolve: Resolve) -> tuple[str, ...]:
    """Return the addresses that may be dialled for a request: its own, or its proxy's; each name is resolved once.

    Raises:
        OSError: The name has no address.
        StoreError: `SSRF_BLOCKED`.
    """
    host = (proxy.origin if proxy else request.url.origin).host
    if request.trust.internal and literal(host) == host:
        return (host,)
    return await in_thread(f"resolving {host}", lambda: _addresses_for(request, proxy, resolve))


def _addresses_for(request: Request, proxy: Proxy | None, resolve: Resolve) -> tuple[str, ...]:
    origin = request.url.origin
    if request.trust.internal:
        target = proxy.origin if proxy else origin
        return tuple(resolve(target.host, target.port))
    check_literal(origin.host)
    if proxy is None:
        addresses = tuple(resolve(origin.host, origin.port))
        check_addresses(origin.host, addresses)
        return addresses
    _check_behind_proxy(origin, resolve)
    return tuple(resolve(proxy.origin.host, proxy.origin.port))


def _check_behind_proxy(origin: Origin, resolve: Resolve) -> None:
    try:
        addresses = tuple(resolve(origin.host, origin.port))
    except OSError:
        return  # only the proxy knows the name
    check_addresses(origin.host, addresses)
