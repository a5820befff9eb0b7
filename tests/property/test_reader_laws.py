"""Laws of readers of untrusted bytes: one error of their own, nothing lost, and work in proportion to the input."""

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.files import UnreadableFile, read_stream
from pyratify.pki.pem import Block, InvalidPem, is_pem, read_pem

_TEXT = st.sampled_from(["", "subject=CN = x", "# a comment", "Bag Attributes", "    friendlyName: x"])
_LABEL = st.sampled_from(["CERTIFICATE", "PUBLIC KEY", "X"])
_BLOCK = st.builds(Block, _LABEL, st.binary(min_size=1, max_size=80))
_LINE = st.sampled_from(
    [
        b"-----BEGIN X-----",
        b"-----END X-----",
        b"-----BEGIN Y-----",
        b"AAAA",
        b"A=",
        b"x",
        b"",
        b"\x00\xff",
        b"-----",
    ]
)


def lines_run(read: Callable[[bytes], object], data: bytes) -> int:
    """Return how many lines of Python a reader runs for an input, refused or not."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(InvalidPem):
            read(data)
    finally:
        sys.settrace(before)
    return count


@given(st.lists(st.tuples(_TEXT, _BLOCK), max_size=6), _TEXT, st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_block_is_read_in_order_whatever_text_is_around_it(
    parts: list[tuple[str, Block]], last: str, end: str
) -> None:
    """What was written is what is read, with each of the three line ends."""
    text = "".join(f"{text}\n{block.encode()}" for text, block in parts) + last
    assert read_pem(text.replace("\n", end).encode()) == tuple(block for _, block in parts)


@given(st.lists(_LINE, max_size=12))
def test_lines_of_pem_in_any_order_are_read_or_refused(lines: list[bytes]) -> None:
    """No other error leaves the reader, and no block begins without its end."""
    with suppress(InvalidPem):
        assert len(read_pem(b"\n".join(lines))) == sum(line.startswith(b"-----BEGIN") for line in lines)


@given(st.binary(max_size=200), st.sampled_from([b"", b"0", b"0\x03", b"0\x80", b"0\x84\xff\xff\xff\xff"]))
def test_any_bytes_are_pem_or_der(data: bytes, start: bytes) -> None:
    """The question always has an answer."""
    assert is_pem(start + data) in (True, False)


@pytest.mark.parametrize(
    "unit",
    [b"text\n", b"-----BEGIN X-----\nAAAA\n-----END X-----\n", b"AAAA\n", b"\r", b"# -----BEGIN\n"],
    ids=["text", "blocks", "base64", "line-ends", "comments"],
)
@pytest.mark.parametrize("start", [b"", b"-----BEGIN X-----\n"], ids=["outside", "inside"])
def test_twice_as_many_lines_take_twice_the_work(start: bytes, unit: bytes) -> None:
    """Steps are counted, so that the speed of a machine says nothing."""
    once, twice = (lines_run(read_pem, start + unit * number) for number in (200, 400))
    assert twice <= 2 * once


@given(st.binary(max_size=64), st.integers(0, 64))
def test_a_stream_is_read_whole_or_refused(data: bytes, limit: int) -> None:
    """Nothing is ever cut off."""
    if len(data) <= limit:
        assert read_stream(io.BytesIO(data), limit) == data
    else:
        with pytest.raises(UnreadableFile, match=f"more than {limit} bytes"):
            read_stream(io.BytesIO(data), limit)
