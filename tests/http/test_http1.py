"""The strict reader of HTTP/1.1."""

import contextlib
import http.client
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.http1 import Reader
from pyratify.http.transport import ERROR_BYTES, Request, Response
from pyratify.http.url import Url

URL = Url.parse("http://127.0.0.1/x")
LIMIT = 1000


def _read(data: bytes, *cuts: int, method: str = "GET", limit: int = LIMIT) -> tuple[Response, Reader]:
    """Feed the data in pieces, then the end of the connection."""
    reader = Reader(Request(URL, limit, method=method))
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    for start, end in itertools.pairwise(edges):
        response = reader.feed(data[start:end])
        if response is not None:
            return response, reader
    return reader.end(), reader


def _head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "", "")).encode("latin-1")


CHUNKED = _head("Transfer-Encoding: chunked")
GOOD = {
    "length": (_head("Content-Length: 5") + b"hello", b"hello", True),
    "nothing": (_head("Content-Length: 0"), b"", True),
    "chunks": (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", b"hello", True),
    "upper-case size": (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", True),
    "until the end": (_head("X: y") + b"hello", b"hello", False),
    "closing": (_head("Content-Length: 2", "Connection: Close") + b"ok", b"ok", False),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
    "no phrase": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + _head("Content-Length: 2") + b"ok", b"ok", True),
    "no content": (b"HTTP/1.1 204 None\r\n\r\n", b"", True),
    "surplus": (_head("Content-Length: 2") + b"ok" + _head("Content-Length: 0"), b"ok", False),
    "trailer": (CHUNKED + b"2\r\nok\r\n0\r\nX: y\r\n\r\n", b"ok", False),
}


@pytest.mark.parametrize("name", list(GOOD))
def test_an_answer_is_read(name: str) -> None:
    """However its body is delimited; the connection is used again only where nothing is left over."""
    data, body, reusable = GOOD[name]
    response, reader = _read(data)
    assert response.body == body
    assert reader.reusable is reusable


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("surplus", "trailer")])
@given(data=st.data())
def test_pieces_make_no_difference(name: str, data: st.DataObject) -> None:
    """Wherever the network cuts it."""
    raw, body, _ = GOOD[name]
    cuts = data.draw(st.lists(st.integers(1, len(raw)), max_size=6))
    assert _read(raw, *cuts)[0].body == body


def test_every_byte_by_itself() -> None:
    """The slowest of networks."""
    raw = GOOD["chunks"][0]
    assert _read(raw, *range(len(raw)))[0].body == b"hello"


@given(
    st.lists(
        st.tuples(st.from_regex(r"X-[a-z]{1,8}", fullmatch=True), st.text("abc ,;=", max_size=9)), max_size=9
    ),
    st.lists(st.binary(min_size=1, max_size=60), max_size=6),
    st.booleans(),
)
def test_it_reads_as_the_standard_library_does(
    fields: list[tuple[str, str]], parts: list[bytes], chunked: bool
) -> None:
    """For honest answers there is no difference."""
    body = b"".join(parts)
    lines = [f"{name}: {value}" for name, value in fields]
    if chunked:
        framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        raw = _head(*lines, "Transfer-Encoding: chunked") + framed
    else:
        raw = _head(*lines, f"Content-Length: {len(body)}") + body

    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(raw)

    theirs = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    theirs.begin()
    ours, reader = _read(raw)
    assert ours.body == theirs.read() == body
    assert ours.headers.fields == tuple((name.lower(), value.strip()) for name, value in theirs.getheaders())
    assert reader.reusable


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", CHUNKED, _head("Content-Length: 9")]),
)
def test_garbage_is_refused_and_nothing_worse(data: bytes, start: bytes) -> None:
    """Whatever comes, there is an answer within its limit or a refusal."""
    with contextlib.suppress(StoreError):
        assert len(_read(start + data, limit=100)[0].body) <= ERROR_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 600 OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        _head("X : y"),
        _head("X: a\x00b"),
        _head("X: a\rb"),
        _head("X: a\nY: b"),
        _head("X: y", " folded"),
        _head(": y"),
        _head("no colon"),
        _head(*["X: y"] * 129),
        _head("X: " + "y" * 70_000),
        _head("Transfer-Encoding: gzip"),
        _head("Transfer-Encoding: chunked, chunked"),
        _head("Transfer-Encoding: gzip, chunked"),
        _head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        _head("Transfer-Encoding: chunked", "Content-Length: 5"),
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"-5\r\n",
        CHUNKED + b"+5\r\n",
        CHUNKED + b"0x5\r\n",
        CHUNKED + b" 5\r\n",
        CHUNKED + b"5_0\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"ffffffffffffffffffff\r\n",
        CHUNKED + b"2\r\nokk\r\n0\r\n\r\n",
        CHUNKED + b"2\nok\n0\n\n" + b" " * 600,
        CHUNKED + b"2\r\nok",
        CHUNKED + b"5;" + b"x" * 600,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 6,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    """Lenient line ends, spaces, folding, floods, unknown codings, sizes that are none."""
    with pytest.raises(StoreError) as caught:
        _read(data)
    assert caught.value.reason is Reason.REGISTRY_ERROR


@pytest.mark.parametrize("data", [b"", b"\xff"])
def test_a_connection_that_ends_before_an_answer(data: bytes) -> None:
    """Nothing at all is a lost connection; something is no HTTP."""
    with pytest.raises(StoreError) as caught:
        _read(data)
    assert caught.value.reason is (Reason.REGISTRY_ERROR if data else Reason.REGISTRY_UNREACHABLE)


def test_a_body_that_ends_early_is_refused() -> None:
    """What was announced has to come."""
    with pytest.raises(StoreError) as caught:
        _read(_head("Content-Length: 5") + b"hell")
    assert caught.value.reason is Reason.SIZE_MISMATCH


@pytest.mark.parametrize("head", [_head("X: y"), _head()])
def test_a_body_over_the_limit_is_refused_with_its_first_byte_too_many(head: bytes) -> None:
    """Not later."""
    reader = Reader(Request(URL, LIMIT))
    assert reader.feed(head + b"x" * LIMIT) is None
    with pytest.raises(StoreError) as caught:
        reader.feed(b"x")
    assert caught.value.reason is Reason.SIZE_EXCEEDED


def test_a_chunk_that_would_be_over_the_limit_is_refused_by_its_size() -> None:
    """Before a byte of it has come; what a server announces and never sends is not waited for."""
    reader = Reader(Request(URL, LIMIT))
    assert reader.feed(CHUNKED + b"5\r\nhello\r\n") is None
    with pytest.raises(StoreError) as caught:
        reader.feed(b"%x\r\n" % (LIMIT - 4))
    assert caught.value.reason is Reason.SIZE_EXCEEDED
    assert f"announces {LIMIT + 1} bytes, more than the {LIMIT} bytes allowed" in caught.value.message


_BLANKS = st.text(alphabet=" \t", max_size=3)
_VALUE = st.text(alphabet="ab:; \t,é", max_size=12).map(lambda text: text.strip(" \t"))


@given(st.lists(st.tuples(_BLANKS, _VALUE, _BLANKS), max_size=5))
def test_blanks_around_a_value_are_no_part_of_it(fields: list[tuple[str, str, str]]) -> None:
    """Law (RFC 9112, section 5.1): values arrive in order, stripped outside and unchanged inside."""
    response, _ = _read(_head(*(f"X:{before}{value}{after}" for before, value, after in fields)))
    assert response.headers.get_all("x") == tuple(value for _, value, _ in fields)


@pytest.mark.parametrize("number", range(8))
def test_atk_302_long_runs_of_blanks_in_a_header_are_read_once(number: int) -> None:
    """A search that begins anew at each blank would take half a minute for each of these."""
    value = "a" + " " * 60_000 + str(number)
    response, _ = _read(_head(f"X: {value} ", "Content-Length: 0"))
    assert response.headers.get("x") == value


@given(
    st.binary(max_size=60),
    st.lists(st.integers(1, 20), max_size=12),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_a_body_is_the_same_however_it_is_cut_into_chunks(
    body: bytes, sizes: list[int], cuts: list[int]
) -> None:
    """Law: neither the chunks nor the packets change a body, with or without extensions."""
    chunks, rest = [], body
    for size in (*sizes, max(1, len(body))):
        if part := rest[:size]:
            chunks.append(b"%x%s\r\n%b\r\n" % (len(part), b";x=y" * (size % 2), part))
        rest = rest[size:]
    response, _ = _read(CHUNKED + b"".join(chunks) + b"0\r\n\r\n", *cuts)
    assert response.body == body


def test_a_long_error_is_cut() -> None:
    """Its status counts, and its connection is not used again."""
    head = b"HTTP/1.1 500 Error\r\nContent-Length: 99999999\r\n\r\n"
    response, reader = _read(head + b"x" * (ERROR_BYTES + 10))
    assert (response.status, len(response.body)) == (500, ERROR_BYTES)
    assert not reader.reusable


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\nConnection: close"]
)
def test_a_tunnel_has_no_body(head: str) -> None:
    """What follows the answer to CONNECT belongs to the tunnel, which stays open whatever version the proxy speaks."""
    response, reader = _read(f"{head}\r\n\r\n".encode(), method="CONNECT")
    assert response.status == 200
    assert reader.reusable
