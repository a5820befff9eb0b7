"""Bodies that arrive in pieces."""

import tracemalloc
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.limits import MIB
from pyratify.http.arriving_body import ArrivingBody
from pyratify.http.http1 import Reader
from pyratify.http.transport import Request
from pyratify.http.url import Url

SIZES = st.one_of(st.integers(0, 30), st.integers(4090, 4100))


def _filled(pieces: Iterable[bytes]) -> ArrivingBody:
    body = ArrivingBody()
    for piece in pieces:
        body.add(piece)
    return body


@given(sizes=st.lists(SIZES), most=st.integers(0, 20_000))
def test_pieces_are_joined_in_their_order(sizes: list[int], most: int) -> None:
    """Small and large ones, up to as many bytes as are asked for."""
    pieces = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    body = _filled(pieces)
    assert len(body) == sum(sizes)
    assert body.joined(most) == b"".join(pieces)[:most]
    assert body.joined() == b"".join(pieces)


def test_tiny_pieces_cost_their_bytes() -> None:
    """And not an object each: a sender decides how small they are."""
    tracemalloc.start()
    try:
        body = _filled(str(number).encode() for number in range(100_000, 300_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == 1_200_000
    assert peak < 3 * MIB


def test_a_large_body_is_copied_once() -> None:
    """When it is whole; what it costs on the way delays all other requests."""
    reader = Reader(Request(Url.parse("http://127.0.0.1/x"), 4 * MIB))
    pieces = [bytes([number]) * (MIB // 4) for number in range(16)]
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MIB))
    tracemalloc.start()
    try:
        *_, response = [reader.feed(piece) for piece in pieces]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert response is not None
    assert response.body == b"".join(pieces)
    assert peak < 4.5 * MIB
