"""Which network addresses are public, in whatever way they are spelled or wrapped (server-side request forgery)."""

import ipaddress
import re
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NUMERIC = re.compile(r"[0-9a-fx.]+", re.ASCII)
_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in ("168.63.129.16/32", "100.64.0.0/10", "0.0.0.0/8", "64:ff9b:1::/48", "fec0::/10")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Tell whether an address is a public one, whatever it is wrapped in (IPv4-mapped, NAT64, 6to4)."""
    try:
        address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address.version == network.version and address in network for network in _DENIED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal(host: str) -> str | None:
    """Return the address when the host is one in any spelling that resolvers accept, as `2130706433` or `0177.0.0.1`."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _unwrap(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
