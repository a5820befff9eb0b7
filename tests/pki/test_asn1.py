"""ASN.1 values have one encoding each; everything else is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.pki import asn1
from pyratify.pki.der import Element, InvalidDer, read_element


def element(tag: int, content: str) -> Element:
    """Return an element with hexadecimal content."""
    return Element(tag, bytes.fromhex(content))


@given(st.binary(max_size=300), st.integers(0, 30))
def test_what_is_encoded_is_read_back(content: bytes, tag: int) -> None:
    """Whatever the length."""
    assert read_element(asn1.encode(tag, content), tag).content == content


@given(st.integers(-(2**200), 2**200))
def test_integers_have_one_encoding(value: int) -> None:
    """The shortest is read, one that is longer by an octet is not."""
    short = value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True)
    assert asn1.integer(Element(asn1.INTEGER, short)) == value
    longer = (b"\xff" if value < 0 else b"\x00") + short
    with pytest.raises(InvalidDer):
        asn1.integer(Element(asn1.INTEGER, longer))


def test_an_empty_integer_is_none() -> None:
    """It has at least one octet."""
    with pytest.raises(InvalidDer):
        asn1.integer(element(asn1.INTEGER, ""))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("2a864886f70d010702", "1.2.840.113549.1.7.2"),
        ("550406", "2.5.4.6"),
        ("883703", "2.999.3"),
        ("00", "0.0"),
    ],
)
def test_object_identifiers_are_read_in_dots(content: str, text: str) -> None:
    """Also the ones whose first arc is two and whose second is large."""
    assert asn1.object_identifier(element(asn1.OBJECT_IDENTIFIER, content)) == text
    assert asn1.encode_object_identifier(text)[2:].hex() == content


@pytest.mark.parametrize("content", ["", "80", "2a80", "2a8001", "2a86", "01" * 65])
def test_object_identifiers_with_another_encoding_are_refused(content: str) -> None:
    """Empty, cut off, longer than needed, too long."""
    with pytest.raises(InvalidDer):
        asn1.object_identifier(element(asn1.OBJECT_IDENTIFIER, content))


@pytest.mark.parametrize(
    ("tag", "text", "moment"),
    [
        (asn1.UTC_TIME, b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (asn1.UTC_TIME, b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (asn1.GENERALIZED_TIME, b"20260601000000Z", datetime(2026, 6, 1, tzinfo=UTC)),
        (asn1.GENERALIZED_TIME, b"20260601000000.5Z", datetime(2026, 6, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (
            asn1.GENERALIZED_TIME,
            b"20260601000000.123456789Z",
            datetime(2026, 6, 1, 0, 0, 0, 123_456, tzinfo=UTC),
        ),
    ],
)
def test_times_are_read_in_utc(tag: int, text: bytes, moment: datetime) -> None:
    """Two-digit years are of 1950 to 2049; fractions are cut to the microsecond."""
    assert asn1.time(Element(tag, text)) == moment


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (asn1.UTC_TIME, b"20260601000000Z"),
        (asn1.UTC_TIME, b"2606010000Z"),
        (asn1.UTC_TIME, b"260601000000+0000"),
        (asn1.UTC_TIME, b"260631000000Z"),
        (asn1.GENERALIZED_TIME, b"260601000000Z"),
        (asn1.GENERALIZED_TIME, b"20260601000000"),
        (asn1.GENERALIZED_TIME, b"20260601000000.50Z"),
        (asn1.GENERALIZED_TIME, b"20260601000000.Z"),
        (asn1.GENERALIZED_TIME, b"20260601000060Z"),
        (asn1.GENERALIZED_TIME, b"20261301000000Z"),
        (asn1.GENERALIZED_TIME, b""),
        (asn1.GENERALIZED_TIME, "\uff120260601000000Z".encode()),
    ],
)
def test_times_in_another_form_are_refused(tag: int, text: bytes) -> None:
    """Each kind has one form."""
    with pytest.raises(InvalidDer):
        asn1.time(Element(tag, text))


def test_a_cursor_reads_in_order_and_notices_what_is_left() -> None:
    """Optional elements may be missing, others not, and nothing may be left at the end."""
    content = asn1.encode(asn1.INTEGER, b"\x01") + asn1.encode(asn1.OCTET_STRING, b"x")
    cursor = asn1.Cursor(content)
    assert cursor.optional(asn1.OCTET_STRING) is None
    assert asn1.integer(cursor.next(asn1.INTEGER)) == 1
    with pytest.raises(InvalidDer, match="more than expected"):
        cursor.end()
    with pytest.raises(InvalidDer, match="is missing"):
        cursor.next(asn1.INTEGER)
    assert [entry.content for entry in cursor.rest()] == [b"x"]
    cursor.end()
    assert cursor.optional(asn1.INTEGER) is None


def test_members_are_of_one_kind_and_not_too_many() -> None:
    """Another tag among them, or more than a thousand."""
    one = asn1.encode(asn1.INTEGER, b"\x01")
    assert len(asn1.members(one * asn1.MAX_ELEMENTS, asn1.INTEGER)) == asn1.MAX_ELEMENTS
    with pytest.raises(InvalidDer, match="more than 1000"):
        asn1.members(one * (asn1.MAX_ELEMENTS + 1), asn1.INTEGER)
    with pytest.raises(InvalidDer, match="another type"):
        asn1.members(one + asn1.encode(asn1.OCTET_STRING, b""), asn1.INTEGER)


def test_an_algorithm_has_no_parameters_or_null() -> None:
    """Others could mean anything."""
    oid = asn1.encode(asn1.OBJECT_IDENTIFIER, bytes.fromhex("2a864886f70d01010b"))
    for parameters in (b"", b"\x05\x00"):
        assert asn1.algorithm(Element(asn1.SEQUENCE, oid + parameters)) == "1.2.840.113549.1.1.11"
    with pytest.raises(InvalidDer, match="parameters"):
        asn1.algorithm(Element(asn1.SEQUENCE, oid + b"\x30\x00"))
