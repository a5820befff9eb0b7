"""Keys with and without a namespace."""

import json
from pathlib import Path

import pytest

from pyratify.core.errors import InvalidReference
from pyratify.core.reference import Reference
from pyratify.entrypoints.gatekeeper.request_keys import InvalidKey, Namespaces, parse_key, parse_mutation_key

ADDRESSES = ("[::1]:5000/team/app:v1", "[2001:db8::10]/app@sha256:" + "0" * 64, "[2001:DB8::1]:8443/team/app")


def test_ratify_v2_keys(shared: Path) -> None:
    """The same namespace and reference as in Ratify v2; what is no reference there is refused here."""
    document = json.loads((shared / "gatekeeper" / "ratify_v2_provider_cases.json").read_text())
    for case in document["namespace_keys"]:
        if case["reference"].startswith("["):
            with pytest.raises(InvalidReference):
                parse_key(case["key"], Namespaces.OPTIONAL)
            continue
        found = parse_key(case["key"], Namespaces.OPTIONAL)
        assert (found.namespace, found.text) == (case["namespace"], case["reference"])
        assert found.reference == Reference.parse(case["reference"])


@pytest.mark.parametrize("key", ADDRESSES)
@pytest.mark.parametrize("namespaces", [Namespaces.OPTIONAL, Namespaces.DISABLED], ids=str)
def test_brackets_that_hold_an_address_are_no_prefix(key: str, namespaces: Namespaces) -> None:
    """A registry at an IPv6 address is part of the reference, also where namespaces are not used."""
    found = parse_key(key, namespaces)
    assert (found.namespace, found.text, found.reference) == ("", key, Reference.parse(key))


@pytest.mark.parametrize("key", ADDRESSES)
@pytest.mark.parametrize("namespaces", [Namespaces.OPTIONAL, Namespaces.REQUIRED], ids=str)
def test_a_prefix_stands_before_an_address(key: str, namespaces: Namespaces) -> None:
    """The prefix is taken off, the brackets of the address stay."""
    found = parse_key(f"[team]{key}", namespaces)
    assert (found.namespace, found.text, found.reference) == ("team", key, Reference.parse(key))


@pytest.mark.parametrize("key", ADDRESSES)
def test_an_address_is_no_namespace_where_one_is_required(key: str) -> None:
    """What stands in the brackets is said to be missing, and not taken for the name of a tenant."""
    with pytest.raises(InvalidKey, match="a namespace is required"):
        parse_key(key, Namespaces.REQUIRED)


@pytest.mark.parametrize("inner", ["10.0.0.1", "NS", "team:x", ":::1", "a.b", "-a", " "])
def test_what_is_neither_a_namespace_nor_an_address_is_refused(inner: str) -> None:
    """The message shows it."""
    with pytest.raises(InvalidKey, match="neither the name of a namespace nor an IPv6 address") as caught:
        parse_key(f"[{inner}]example.com/app:v1", Namespaces.OPTIONAL)
    assert repr(inner) in caught.value.message


@pytest.mark.parametrize("key", [*ADDRESSES, "example.com/app:v1"])
def test_mutation_reads_the_whole_key_as_a_reference(key: str) -> None:
    """It is the text of an object's image, which has no prefix."""
    assert parse_mutation_key(key).reference == Reference.parse(key)


@pytest.mark.parametrize(
    "key", ["[team]example.com/app:v1", "[]example.com/app:v1", "[team][::1]:5000/app:v1"]
)
def test_mutation_knows_no_prefix(key: str) -> None:
    """An author of a Pod would choose a tenant with it."""
    with pytest.raises(InvalidReference):
        parse_mutation_key(key)
