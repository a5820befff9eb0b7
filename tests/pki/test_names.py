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
from pyratify.testing.certificates import element, signer

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
        ("O=\\#1 Software", "#1 Software"),
        ("O=\\23b", "#b"),
        ("O= \\#", "#"),
        ("O=#b", None),
        ("O= #0401", None),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("O=", "the value of 'O' is empty"),
        ("O=" + "x" * 1025, "more than 1024 characters"),
        ("O=#0401", "begins with '#', which stands for hexadecimal; write \\#"),
        ('O = "Acme, Inc."', "in quotes, as openssl prints it; write O=Acme\\, Inc."),
        ('C=US, O = "#1 \\"A\\" \\\\ B" , L=x', 'write O=\\#1 \\"A\\" \\\\ B'),
        ("O=Acme, Inc.", "'Inc.' is no attribute as C=US; a comma that belongs to a value is written \\,"),
        ("/C=US/O=x", "separated by commas, not by slashes"),
        ("subject=C = US, O = x", "leave it out"),
        ('O=a "b"', "the character '\"' must be escaped"),
        ('O="open', "the character '\"' must be escaped"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, words: str) -> None:
    """One sentence for each case, with how to write what was meant."""
    with pytest.raises(InvalidName) as caught:
        parse_name(text)
    assert words in str(caught.value)


def test_what_a_refusal_suggests_for_quotes_is_read() -> None:
    """The value that openssl prints in quotes, escaped as RFC 4514 says."""
    with pytest.raises(InvalidName) as caught:
        parse_name('O = " #1, \\"A\\" + B "')
    assert parse_name(str(caught.value).partition("; write ")[2]) == {O: ' #1, "A" + B '}


STRINGS = {
    0x0C: "Caf\u00e9 1".encode(),
    0x1C: "Caf\u00e9 1".encode("utf-32-be"),
    0x1E: "Caf\u00e9 1".encode("utf-16-be"),
}


def subject(tag: int, content: bytes) -> Any:
    """Return a certificate's stand-in whose subject has an organisation of this string type."""
    pair = element(0x30, bytes.fromhex("060355040a") + element(tag, content))
    return SimpleNamespace(subject_der=element(0x30, element(0x31, pair)))


@pytest.mark.parametrize("tag", STRINGS)
def test_texts_are_compared_by_their_characters(tag: int) -> None:
    """UTF8String, UniversalString and BMPString."""
    assert subject_of(subject(tag, STRINGS[tag])) == {O: "Caf\u00e9 1"}


@pytest.mark.parametrize("tag", [0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A])
def test_texts_in_ascii_are_compared_by_their_characters(tag: int) -> None:
    """NumericString, PrintableString, TeletexString, IA5String and VisibleString."""
    assert subject_of(subject(tag, b"1 2")) == {O: "1 2"}


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        (0x14, b"Caf\xe9"),
        (0x13, b"Caf\xe9"),
        (0x1E, b"abc"),
        (0x1E, b"\xd8\x00\x00a"),
        (0x1C, b"\x00\x11\x00\x00"),
        (0x0C, b"\xff"),
        (0x1B, b"text"),
        (0x04, b"text"),
        (0x0C, b"x" * 4097),
    ],
)
def test_a_text_that_has_several_readings_is_refused(tag: int, content: bytes) -> None:
    """TeletexStrings beyond ASCII, damaged encodings, and what is no text; the attribute is named."""
    with pytest.raises(InvalidName, match=r"subject cannot be compared: its 'O'|more than 4096 octets"):
        subject_of(subject(tag, content))


@pytest.mark.parametrize("text", ["", "O", "=x", "O=x,", ",O=x", "O=x,,CN=y", "O=x;CN=y", "O=x\n", "1=x", "Ö=x", "O=\\zz"])  # fmt: skip
def test_what_is_not_a_list_of_attributes_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidName):
        parse_name(text)


@pytest.mark.parametrize("beyond", [0, 1])
def test_the_length_of_a_value_is_bounded(beyond: int) -> None:
    """1024 characters in a policy, and as many octets as these can have in a certificate: what is longer is not compared."""
    written, held = "x" * (1024 + beyond), "x" * (4096 + beyond)
    attribute = x509.NameAttribute(x509.ObjectIdentifier(O), held, _validate=False)
    certificate = parse_certificate(signer(None, subject=x509.Name([attribute])).der)
    if not beyond:
        assert (parse_name(f"O={written}"), subject_of(certificate)) == ({O: written}, {O: held})
        return
    with pytest.raises(InvalidName):
        parse_name(f"O={written}")
    with pytest.raises(InvalidName):
        subject_of(certificate)


_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


@given(_VALUES)
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


def test_unknown_attributes_are_refused() -> None:
    """An identity that could never match is a mistake."""
    with pytest.raises(InvalidName, match="no attribute"):
        parse_name("XYZ=1")
