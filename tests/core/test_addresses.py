"""Where connections may go."""

import pytest

from pyratify.core.addresses import PUBLIC_ONLY, Destinations

PUBLIC = ("93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8")
INSIDE = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.1.2.3", "64:ff9b::a01:203")


def test_without_a_list_only_public_addresses_are_open() -> None:
    """The first other one is returned, whatever it is wrapped in."""
    assert PUBLIC_ONLY.blocked("host.example", 443, PUBLIC) is None
    for address in INSIDE:
        assert PUBLIC_ONLY.blocked("host.example", 443, (*PUBLIC, address)) == address


@pytest.mark.parametrize(
    ("entry", "open_"),
    [
        ("10.0.0.0/8", {"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"}),
        ("10.1.2.3", {"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"}),
        ("fd00::/8", {"fd00::1"}),
        ("[::1]", {"::1"}),
        ("::1", {"::1"}),
        ("0.0.0.0/0", {"127.0.0.1", "10.1.2.3", "169.254.169.254", "::ffff:10.1.2.3", "64:ff9b::a01:203"}),
    ],
)
def test_a_network_is_compared_with_the_address(entry: str, open_: set[str]) -> None:
    """However it was named, and whatever it is wrapped in."""
    listed = Destinations.parse([entry])
    found = {address for address in INSIDE if listed.blocked("host.example", 443, [address]) is None}
    assert found == open_


@pytest.mark.parametrize(
    ("entry", "host", "port", "listed"),
    [
        ("registry.corp.example", "registry.corp.example", 443, True),
        ("Registry.Corp.example", "registry.corp.example", 8443, True),
        ("registry.corp.example", "registry.corp.example.", 443, True),
        ("registry.corp.example", "other.registry.corp.example", 443, False),
        ("registry.corp.example", "corp.example", 443, False),
        ("registry.corp.example:8443", "registry.corp.example", 8443, True),
        ("registry.corp.example:8443", "registry.corp.example", 443, False),
        ("10.1.2.3:5000", "10.1.2.3", 5000, True),
        ("10.1.2.3:5000", "10.1.2.3", 6443, False),
        ("[fd00::1]:5000", "fd00::1", 5000, True),
        ("localhost", "localhost", 80, True),
    ],
)
def test_a_host_is_compared_with_the_name(entry: str, host: str, port: int, listed: bool) -> None:
    """In full, for all ports or one."""
    found = Destinations.parse([entry])
    assert found.lists(host, port) is listed
    assert (found.blocked(host, port, ["10.9.9.9"]) is None) is listed


def test_a_name_that_is_not_listed_may_not_lead_to_an_address_of_a_listed_one() -> None:
    """Who owns a name chooses its addresses."""
    listed = Destinations.parse(["registry.corp.example"])
    assert listed.blocked("evil.example", 443, ["10.9.9.9"]) == "10.9.9.9"


@pytest.mark.parametrize(
    "entry",
    ["", " ", "10.0.0.1/8", "10.0.0.0/33", "a/b", "https://a.example", "*", "*.example", "a.example:0", "a.example:65536",
     "a b", "a..b", "-a.example", "[a]", "[::1", "a.example:x"],
)  # fmt: skip
def test_what_is_none_of_these_is_refused(entry: str) -> None:
    """The message shows it."""
    with pytest.raises(ValueError, match="is no ") as caught:
        Destinations.parse(["a.example", entry])
    assert repr(entry) in str(caught.value)
