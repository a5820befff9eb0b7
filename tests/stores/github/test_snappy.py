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
    ],
)
def test_the_elements_of_the_format_are_decoded(block: bytes, text: bytes) -> None:
    """Copies with offsets of one, two and four bytes."""
    assert decode(block, 100) == text


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\xff\xff\xff\xff\xff\xff",
        b"\x05\x04ab",
        b"\x02\x08abc",
        b"\x03\x08ab",
        b"\x04\x04ab\x01\x03",
        b"\x04\x04ab\x01\x00",
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
