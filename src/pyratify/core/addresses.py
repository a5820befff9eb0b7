"""Decides which network addresses are public, in every spelling and wrapping (server-side request forgery)."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Self

from pyratify.core.dataclass import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What inet_aton accepts, with octal, hexadecimal and fewer than four parts.
_NUMERIC = re.compile(r"[0-9a-fx.]+", re.ASCII)
# Azure's own services, carrier-grade NAT, "this network", RFC 8215, site-local: `is_global` holds for some.
_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in ("168.63.129.16/32", "100.64.0.0/10", "0.0.0.0/8", "64:ff9b:1::/48", "fec0::/10")
)
# RFC 6052 2.1: the last 32 bits are the IPv4 address that is connected to.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LABEL = "[a-z0-9][a-z0-9_-]{0,62}"
_HOST = re.compile(
    rf"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>{_LABEL}(?:\.{_LABEL})*))(?::(?P<port>[0-9]{{1,5}}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Destinations:
    """The destinations that connections may have: every public address, and those listed.

    A listed network is compared with the resolved address, a listed host with the name before resolution.

    Attributes:
        networks: Listed networks.
        hosts: Listed hosts, each with its port; 0 for all ports.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Return the destinations with these listed: networks, addresses, and hosts with or without a port.

        Raises:
            ValueError: An entry is none of these; the message shows it.
        """
        networks, hosts = [], set()
        for entry in entries:
            found = _network(entry) or _host(entry)
            if isinstance(found, tuple):
                hosts.add(found)
            else:
                networks.append(found)
        return cls(tuple(networks), frozenset(hosts))

    def lists(self, host: str, port: int) -> bool:
        """Return whether a host is listed by its name, for this port or all."""
        name = host.lower().removesuffix(".")
        return not self.hosts.isdisjoint({(name, port), (name, 0)})

    def blocked(self, host: str, port: int, addresses: Iterable[str]) -> str | None:
        """Return the first address of a host that must not be connected to, or None."""
        if self.lists(host, port):
            return None
        return next((each for each in addresses if not (is_public(each) or self._holds(each))), None)

    def _holds(self, text: str) -> bool:
        try:
            # Without the zone index (RFC 4007 11): it names an interface of this machine, not a network.
            address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        return any(address.version == each.version and address in each for each in self.networks)


PUBLIC_ONLY = Destinations()
"""Every public address, and no other."""


def is_public(text: str) -> bool:
    """Return whether an address is a public one, whatever it is wrapped in (IPv4-mapped, NAT64, 6to4)."""
    try:
        address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address.version == network.version and address in network for network in _DENIED):
        return False
    # is_global alone holds for multicast addresses, and for some reserved ones.
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal(host: str) -> str | None:
    """Return the address when the host is one in any spelling that resolvers accept, as `2130706433` or `0177.0.0.1`."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    # inet_aton alone would also accept text after a blank.
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


def _network(entry: str) -> Network | None:
    try:
        # An IPv6 address with a port stands in brackets (RFC 3986 3.2.2); without one they are optional.
        return ipaddress.ip_network(_ipv6(entry[1:-1]) if entry[:1] + entry[-1:] == "[]" else entry)
    except ValueError:
        if "/" not in entry:
            return None
    raise ValueError(f"{entry[:80]!a} is no network: write it as 10.20.0.0/16, without bits after its prefix")


def _host(entry: str) -> tuple[str, int]:
    match = _HOST.fullmatch(entry.lower())
    name, port = (match["name"] or _ipv6(match["address"]), int(match["port"] or 0)) if match else ("", 0)
    if match is None or not name or port > 65535 or match["port"] == "0" or len(entry) > 253:
        raise ValueError(f"{entry[:80]!a} is no network, address, host or host:port")
    # Stored as what it resolves to, so that another spelling of the same address is compared as equal.
    return literal(name) or name, port


def _ipv6(text: str) -> str:
    """Return an IPv6 address in its canonical spelling; empty for what is none."""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return ""
