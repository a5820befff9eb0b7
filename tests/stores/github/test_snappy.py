"""Snappy's block format: what is decoded, and what is refused before it takes memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.stores.github.snappy import decode
from pyratify.testing.github import compress


@given(st.binary(max_size=200_000))
def test_what_was_compressed_is_decoded(data: bytes) -> None:
    """Literals of every length, the empty text too."""
    assert decode(compress(data), len(data)) == data


def literal(data: bytes, width: int) -> bytes:
    """Return a literal whose length stands in the tag, or in so many bytes behind it (format_description.txt, 2.1)."""
    if not width:
        return bytes([(len(data) - 1) << 2]) + data
    return bytes([(59 + width) << 2]) + (len(data) - 1).to_bytes(width, "little") + data


def copy(offset: int, count: int, width: int) -> bytes:
    """Return a copy whose offset takes 1, 2 or 4 bytes (format_description.txt, 2.2)."""
    if width == 1:
        return bytes([offset >> 8 << 5 | (count - 4) << 2 | 1, offset & 0xFF])
    return bytes([(count - 1) << 2 | (2 if width == 2 else 3)]) + offset.to_bytes(width, "little")


def varint(number: int) -> bytes:
    """Return a length, seven bits in a byte."""
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


@given(st.data())
def test_every_element_stands_for_what_the_format_says(data: st.DataObject) -> None:
    """Literals and copies of every form and length, against a decoder that takes them byte by byte."""
    block, text = b"", bytearray()
    for _ in range(data.draw(st.integers(0, 6))):
        width = data.draw(st.sampled_from([1, 2, 4]))
        longest = 11 if width == 1 else 64
        if text and data.draw(st.booleans()):
            offset = data.draw(st.integers(1, min(len(text), 2047 if width == 1 else 65535)))
            count = data.draw(st.integers(4 if width == 1 else 1, longest))
            block += copy(offset, count, width)
            for _ in range(count):
                text.append(text[-offset])
        else:
            length = data.draw(st.sampled_from([1, 2, 59, 60, 61, 62, 127, 128, 255, 256, 2100]))
            width = data.draw(
                st.sampled_from([w for w in (0, 1, 2, 3, 4) if length <= (60 if w == 0 else 256**w)])
            )
            piece = bytes((number * 7 + len(text)) % 251 for number in range(length))
            block += literal(piece, width)
            text += piece
    assert decode(varint(len(text)) + block, len(text)) == text


@pytest.mark.parametrize(
    ("block", "text"),
    [
        # format_description.txt: literal "ab", then a copy of 4 bytes from 2 back, which overlaps itself.
        (b"\x06\x04ab\x01\x02", b"ababab"),
        (b"\x06\x04ab\x0e\x02\x00", b"ababab"),
        (b"\x06\x04ab\x0f\x02\x00\x00\x00", b"ababab"),
        (b"\x00", b""),
        (b"\x03\x08abc", b"abc"),
        (b"\x08\x00a" + b"\x1a\x01\x00", b"a" * 8),
        (b"\x7f\xf0\x7e" + b"a" * 127, b"a" * 127),
        (b"\x80\x01\xf0\x7f" + b"a" * 128, b"a" * 128),
    ],
)
def test_the_elements_of_the_format_are_decoded(block: bytes, text: bytes) -> None:
    """Copies with offsets of one, two and four bytes."""
    assert decode(block, len(text)) == text


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\xff\xff\xff\xff\xff\xff",
        b"\x05\x04ab",
        b"\x02\x08abc",
        b"\x03\x08ab",
        b"\x06\x04ab\x01\x03",
        b"\x06\x04ab\x01\x00",
        b"\x05\x04ab\x01\x02",
        b"\x04\x01\x01",
        b"\x03\xf4\x02",
        b"\x03\x04ab\x01\x02",
    ],
)
def test_what_is_no_block_is_refused(block: bytes) -> None:
    """Too short, too long, or copied from where there is nothing."""
    with pytest.raises(StoreError) as refused:
        decode(block, 100)
    assert refused.value.reason is Reason.REGISTRY_ERROR


def test_more_than_is_allowed_is_not_decoded() -> None:
    """The announced length says it first: a small block may hold very much."""
    with pytest.raises(StoreError) as refused:
        decode(b"\x65\x00a", 100)
    assert refused.value.reason is Reason.DECOMPRESS_LIMIT
