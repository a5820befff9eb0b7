"""Distinguished names are compared attribute by attribute, or not at all."""

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pyratify.pki.certificates import parse_certificate
from pyratify.pki.names import InvalidName, parse_identity, parse_name, subject_of
from pyratify.testing.certificates import signer

O, CN = "2.5.4.10", "2.5.4.3"  # noqa: E741


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("O=x", "x"),
        ("  O = x  ", "x"),
        ("O=a b", "a b"),
        ("O=a\\,b", "a,b"),
        ("O=a\\\\", "a\\"),
        ("O=\\ a\\ ", " a "),
        ("O=a\\ ", "a "),
        ("O=a \\ ", "a  "),
        ("O=a=b", "a=b"),
        ("O=a#b", "a#b"),
        ("O=\\#b", None),
        ("O=\\c3\\a4", "ä"),
        ("O=ä", "ä"),
        ("O=a\\2Cb", "a,b"),
        ("O=\\20x", " x"),
    ],
)
def test_values_are_unescaped_as_rfc_4514_says(text: str, value: str | None) -> None:
    """Blanks around are dropped unless they are escaped; a value that looks hexadecimal is refused."""
    if value is None:
        with pytest.raises(InvalidName):
            parse_name(text)
    else:
        assert parse_name(text) == {O: value}


@pytest.mark.parametrize("text", ["", "O", "=x", "O=x,", ",O=x", "O=x,,CN=y", "O=x;CN=y", "O=x\n", "1=x", "Ö=x", "O=\\zz"])  # fmt: skip
def test_what_is_not_a_list_of_attributes_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidName):
        parse_name(text)


@pytest.mark.parametrize(("length", "read"), [(1024, True), (1025, False)])
def test_the_length_of_a_value_is_bounded(length: int, read: bool) -> None:
    """In a policy and in a certificate's subject: what is longer is not compared."""
    value, attribute = (
        "x" * length,
        x509.NameAttribute(x509.ObjectIdentifier(O), "x" * length, _validate=False),
    )
    certificate = parse_certificate(signer(None, subject=x509.Name([attribute])).der)
    if read:
        assert parse_name(f"O={value}") == subject_of(certificate) == {O: value}
        return
    with pytest.raises(InvalidName):
        parse_name(f"O={value}")
    with pytest.raises(InvalidName):
        subject_of(certificate)


_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


@given(_VALUES.filter(lambda text: not text.startswith("#")))
def test_what_is_escaped_is_read_as_it_was(value: str) -> None:
    """Law: escaping every byte, and parsing, gives the value back."""
    escaped = "".join(f"\\{octet:02x}" for octet in value.encode())
    assert parse_name(f"CN=first, O={escaped} , L=last")[O] == value


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Law: nothing but the one error."""
    for prefix in ("", "O=", "x509.subject: C=US,ST=WA,O="):
        with suppress(InvalidName):
            parse_identity(prefix + text)
        with suppress(InvalidName):
            parse_name(prefix + text)


@given(_VALUES)
def test_a_certificate_s_subject_is_read_as_it_was_written(value: str) -> None:
    """Law: whatever the value, the attribute comes out with exactly that value."""
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(O), value)])
    certificate = parse_certificate(signer(None, subject=name).der)
    assert subject_of(certificate) == {O: value}


def test_identities_overlap_when_one_covers_the_other() -> None:
    """Identities that differ in an attribute do not."""
    one, other, wider = (
        parse_identity(f"x509.subject: C=US,ST=WA,O=x{rest}") for rest in (",OU=a", ",OU=b", "")
    )
    assert one.overlaps(wider)
    assert wider.overlaps(one)
    assert not one.overlaps(other)


def test_object_identifiers_of_every_arc_are_read() -> None:
    """Domain components begin with 0, organisations with 2, and some arcs are large."""
    oids = ("0.9.2342.19200300.100.1.25", "1.2.840.113549.1.9.1", O, "2.999.1")
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), "x") for oid in oids])
    assert set(subject_of(parse_certificate(signer(None, subject=name).der))) == set(oids)


@pytest.mark.parametrize(
    "der", ["", "30", "30023100", "3009310730050c01780500", "300931073005060355040a", "30023000"]
)
def test_a_subject_that_is_no_name_is_refused(der: str) -> None:
    """Whatever the library would hand over."""
    certificate: Any = SimpleNamespace(subject_der=bytes.fromhex(der))
    with pytest.raises(InvalidName):
        subject_of(certificate)


def test_attributes_that_nobody_knows_are_refused() -> None:
    """An identity that could never match is a mistake."""
    with pytest.raises(InvalidName, match="no attribute"):
        parse_name("XYZ=1")
