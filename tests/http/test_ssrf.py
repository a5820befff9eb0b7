"""Which addresses are public."""

import pytest

from pyratify.core.addresses import is_public, literal
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.ssrf import check_addresses, check_literal

INSIDE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "224.0.0.1",
    "224.0.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:db8::1",
    "no address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_known_in_every_wrapping(address: str) -> None:
    """Private, link-local, shared, multicast and reserved addresses, also IPv4-mapped, NAT64 and 6to4."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_public(address: str) -> None:
    """Also when it is wrapped."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("::1", "::1"),
        ("8.8.8.8", "8.8.8.8"),
        ("example.com", None),
        ("dead.beef", None),
        ("cafe", None),
    ],
)
def test_addresses_are_known_in_every_spelling(host: str, address: str | None) -> None:
    """Resolvers accept octal, hexadecimal and short spellings; so do we, in order to refuse them."""
    assert literal(host) == address


def test_a_literal_address_inside_is_refused_before_anything_is_asked() -> None:
    """No resolver is needed to see where `2130706433` is."""
    with pytest.raises(StoreError) as caught:
        check_literal("2130706433")
    assert caught.value.reason is Reason.SSRF_BLOCKED


def test_one_address_inside_is_enough() -> None:
    """A name with a public and a private address is refused."""
    check_addresses("example.com", ("8.8.8.8",))
    with pytest.raises(StoreError) as caught:
        check_addresses("example.com", ("8.8.8.8", "127.0.0.1"))
    assert caught.value.reason is Reason.SSRF_BLOCKED
