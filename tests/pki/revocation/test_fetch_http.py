"""Plain http for revocation: bounded, redirected a little, and never to an address that is not public."""

import asyncio
import contextlib
from unittest.mock import Mock

import pytest

from pyratify.core.addresses import Destinations
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest
from pyratify.testing.revocation import RevocationServer, as_http

HERE = HttpFetcher(frozenset({"127.0.0.1"}))
BODY = b"x" * 1000


def ask(url: str, limit: int = 2000, body: bytes | None = None) -> FetchRequest:
    """Return a question."""
    return FetchRequest(url=url, limit=limit, body=body, content_type="application/ocsp-request")


def chunked(body: bytes) -> bytes:
    """Return an answer in chunks."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def moved(location: str, status: str = "302 Found") -> bytes:
    """Return a redirect."""
    return as_http(b"", f"Location: {location}", status=status)


@pytest.mark.parametrize(
    "answer",
    [BODY, chunked(BODY), b"HTTP/1.1 200 OK\r\n\r\n" + BODY, as_http(BODY, "Content-Encoding: identity")],
    ids=["length", "chunked", "until-the-end", "identity"],
)
@pytest.mark.parametrize("body", [None, b"question"], ids=["get", "post"])
async def test_a_body_arrives_however_it_is_framed(answer: bytes, body: bytes | None) -> None:
    """With a length, in chunks, and until the connection ends."""
    async with RevocationServer({"/crl?a=b": answer}) as server:
        assert await HERE.fetch(ask(f"{server.origin}/crl?a=b", body=body)) == BODY
    assert server.asked == ["/crl?a=b"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (as_http(b"", status="404 Not Found"), "answers HTTP 404"),
        (as_http(b"", status="500 Oops"), "answers HTTP 500"),
        (as_http(BODY, status="206 Partial Content"), "answers HTTP 206"),
        (as_http(b"y" * 2001), "2001 bytes"),
        (as_http(b"", length=10**11), "100000000000 bytes"),
        (chunked(b"y" * 2001), "more than the 2000"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 100_000, "more than the 2000"),
        (as_http(BODY, length=1001), "announced 1001 bytes and sent 1000"),
        (chunked(BODY)[:-600], "ends too early"),
        (as_http(BODY, "Content-Encoding: gzip"), "encoded as 'gzip'"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "header is too long"),
        (b"HTTP/1.1 garbage\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + b"y" * 100_000, "no number of bytes"),
    ],
    ids=[
        "not-found",
        "error",
        "partial",
        "too-long",
        "announced-too-long",
        "chunks-too-long",
        "endless",
        "cut-off",
        "chunks-cut-off",
        "compressed",
        "huge-head",
        "garbage",
        "negative-length",
    ],
)
async def test_what_is_no_bounded_success_fails(answer: bytes, why: str) -> None:
    """Every other answer is refused with its reason."""
    async with RevocationServer({"/": answer}) as server:
        with pytest.raises(FetchFailed, match=why):
            await HERE.fetch(ask(server.origin))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_followed(status: str) -> None:
    """Relative or absolute."""
    async with RevocationServer({"/b": BODY}) as server:
        server.places |= {"/": moved("a", status), "/a": moved(f"{server.origin}/b", status)}
        assert await HERE.fetch(ask(server.origin)) == BODY


async def test_redirects_end() -> None:
    """A circle is left after three turns."""
    async with RevocationServer({"/": moved("/")}) as server:
        with pytest.raises(FetchFailed, match="more than 3 redirects"):
            await HERE.fetch(ask(server.origin))
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "url",
    [
        "https://ca.test/crl",
        "ldap://ca.test/cn=root",
        "file:///etc/passwd",
        "ftp://ca.test/crl",
        "http://user@ca.test/crl",
        "http://",
        "http:///crl",
        "ca.test/crl",
        "http://ca.test:99999/",
        "http://ca.test:0/",
        "http://ca.test/a b",
        "http://ca.test/\r\nX: y",
        "http://cä.test/",
        "http://[::1/",
        "",
    ],
)
async def test_only_http_is_spoken_and_no_other_host_is_dialled(url: str) -> None:
    """No other scheme, no user, no host that two readers could understand differently, also after a redirect."""
    resolve = Mock(return_value=("93.184.216.34",))
    with pytest.raises(FetchFailed, match="only http is supported"):
        await HttpFetcher(resolve=resolve).fetch(ask(url))
    resolve.assert_not_called()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
    ],
)
async def test_an_address_that_is_not_public_is_not_dialled(address: str) -> None:
    """Whatever the name; one such address among others is enough."""

    def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("93.184.216.34", address)

    with pytest.raises(FetchFailed, match="not public"):
        await HttpFetcher(resolve=resolve).fetch(ask("http://ca.test/crl"))


@pytest.mark.parametrize("entry", ["127.0.0.0/8", "127.0.0.1", "ca.test", "ca.test:{port}"])
async def test_what_is_listed_is_dialled(entry: str) -> None:
    """By its address or by its name, and nothing beside it."""

    def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    async with RevocationServer({"/crl": BODY}) as server:
        port = server.origin.rpartition(":")[2]
        listed = Destinations.parse([entry.format(port=port)])
        fetcher = HttpFetcher(resolve=resolve, destinations=listed)
        assert await fetcher.fetch(ask(f"http://ca.test:{port}/crl")) == BODY
        if entry.startswith("ca.test"):
            with pytest.raises(FetchFailed, match="neither public nor listed"):
                await fetcher.fetch(ask(f"http://other.test:{port}/crl"))


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "localhost"])
async def test_this_machine_is_not_dialled_in_any_spelling(host: str) -> None:
    """The resolver's own reading of the host is what is judged."""
    async with RevocationServer({"/": BODY}) as server:
        port = server.origin.rpartition(":")[2]
        with pytest.raises(FetchFailed, match=r"not public|cannot be reached"):
            await HttpFetcher().fetch(ask(f"http://{host}:{port}/"))
    assert server.asked == []


async def test_a_redirect_to_this_machine_is_not_followed() -> None:
    """The second host is judged like the first."""
    async with RevocationServer({"/secret": BODY}) as inner, RevocationServer() as outer:
        outer.places["/"] = moved(f"http://localhost:{inner.origin.rpartition(':')[2]}/secret")
        with pytest.raises(FetchFailed, match="localhost has the address"):
            await HERE.fetch(ask(outer.origin))
    assert inner.asked == []


async def test_a_server_that_is_not_there_fails() -> None:
    """A refused connection, and a name that does not exist or is none."""
    async with RevocationServer() as server:
        origin = server.origin
    with pytest.raises(FetchFailed, match="cannot be reached: Connect"):
        await HERE.fetch(ask(origin))
    with pytest.raises(FetchFailed, match="cannot be reached"):
        await HttpFetcher(resolve=Mock(side_effect=OSError)).fetch(ask("http://ca.test/"))
    with pytest.raises(FetchFailed, match="cannot be resolved: the name is too long"):
        await HttpFetcher().fetch(ask(f"http://{'a' * 64}.test/"))


async def test_a_host_with_an_underscore_is_asked() -> None:
    """Directory services name servers so."""

    def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    async with RevocationServer({"/crl": BODY}) as server:
        port = server.origin.rpartition(":")[2]
        fetcher = HttpFetcher(frozenset({"pki_ca.test"}), resolve)
        assert await fetcher.fetch(ask(f"http://PKI_CA.test:{port}/crl")) == BODY


async def test_an_allowed_host_does_not_widen_a_tenants_destinations() -> None:
    """What the administrator lists for namespaces bounds every host that a configuration allows."""
    fetcher = HttpFetcher(frozenset({"127.0.0.1"}), destinations=Destinations.parse(["10.0.0.0/8"]))
    async with RevocationServer({"/": BODY}) as server:
        with pytest.raises(FetchFailed, match="neither public nor listed"):
            await fetcher.fetch(ask(server.origin))
    assert server.asked == []


async def test_a_folded_header_is_refused() -> None:
    """Readers disagree about it (RFC 9112, section 5.2); registries' answers are read as strictly."""
    folded = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n folded: x\r\n\r\nbody"
    async with RevocationServer({"/": folded}) as server:
        with pytest.raises(FetchFailed, match="header cannot be read"):
            await HERE.fetch(ask(server.origin))


async def test_a_question_can_be_given_up() -> None:
    """Waiting for a silent server can be cancelled, and nothing stays open."""
    async with RevocationServer({"/": None}) as server:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await HERE.fetch(ask(server.origin))
        assert server.asked in ([], ["/"])
