"""The contract of transports, kept by the one over asyncio, over real connections."""

import asyncio
import contextlib
import gc
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.http_options import HttpOptions
from pyratify.http.transport import (
    CONFIGURED,
    ERROR_BYTES,
    PUBLIC,
    REGISTRY,
    SAME_HOST,
    Request,
    Response,
    Transport,
    Trust,
)
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url
from pyratify.testing.registry import Fault, RegistrySimulator
from pyratify.testing.tls import Authority

NO_ENVIRONMENT: dict[str, str] = {}


class Scripted:
    """A server that does as it is told, once with each connection.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, *scripts: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._scripts = scripts
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        for script in self._scripts:
            with contextlib.suppress(OSError), self._listener.accept()[0] as client:
                script(client)


class Tunnel:
    """A proxy that makes one tunnel, to a port of this machine whatever it is asked for.

    Attributes:
        port: Where it listens.
        asked: The header of the request for the tunnel.
    """

    def __init__(self, target: int, version: str = "1.1") -> None:
        self._version = version
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = b""
        self._target = target
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), self._listener.accept()[0] as client:
            while b"\r\n\r\n" not in self.asked:
                self.asked += client.recv(4096)
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                client.sendall(f"HTTP/{self._version} 200 Connection established\r\n\r\n".encode())
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def _request(url: str, **fields: object) -> Request:
    values: dict[str, object] = {"limit": 1000, "trust": REGISTRY, "timeout": 5.0, **fields}
    return Request(Url.parse(url), **values)  # type: ignore[arg-type]


class TestTransport:
    """The contract."""

    @pytest.fixture
    async def make(self):
        """Makes transports, and closes them at the end."""
        made: list[Transport] = []

        def transport(
            options: HttpOptions | None = None, environ: dict[str, str] = NO_ENVIRONMENT, **hooks: object
        ) -> Transport:
            made.append(AsyncioTransport(options or HttpOptions(), environ=environ, **hooks))
            return made[-1]

        yield transport
        for each in made:
            await each.aclose()

    @pytest.fixture
    def transport(self, make: Callable[..., Transport]) -> Transport:
        """A transport with the ordinary options."""
        return make()

    async def _refused(self, transport: Transport, request: Request, *reasons: Reason) -> str:
        with pytest.raises(StoreError) as caught:
            await transport.send(request)
        assert caught.value.reason in reasons
        return caught.value.message

    async def test_an_answer_comes_back_as_it_is(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """Status, header fields and body."""
        registry.fault(Fault(body=b"hello", headers={"X-One": "1"}))
        response = await transport.send(_request(f"{registry.url}/v2/?a=%2F"))
        assert (response.status, response.body) == (200, b"hello")
        assert response.headers.get("x-one") == "1"
        assert registry.hits[0].path == "/v2/?a=%2F"

    async def test_nothing_is_sent_but_what_was_asked(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """No cookie, no default field, no user: what stands in the request, `Host` and `Connection`."""
        registry.fault(Fault(times=1, headers={"Set-Cookie": "a=b"}))
        headers = (("Accept", "x/y"), ("Accept-Encoding", "identity"), ("User-Agent", "test"))
        for _ in range(2):
            await transport.send(_request(f"{registry.url}/v2/", headers=headers))
        for hit in registry.hits:
            assert set(hit.headers) - {"connection"} == {"host", "accept", "accept-encoding", "user-agent"}
            assert hit.headers["host"] == registry.host

    async def test_a_form_is_posted(self, transport: Transport, registry: RegistrySimulator) -> None:
        """Token servers are asked by POST."""
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        response = await transport.send(
            _request(f"{registry.url}/token", method="POST", body=b"a=b", headers=headers)
        )
        assert response.status == 405
        assert registry.hits[0].body == b"a=b"
        assert registry.hits[0].headers["content-type"] == headers[0][1]

    async def test_a_connection_is_used_again(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """Three requests, one connection."""
        for _ in range(3):
            await transport.send(_request(f"{registry.url}/v2/"))
        assert registry.connections == 1

    async def test_a_connection_with_tls_is_used_again(self, make: Callable[..., Transport]) -> None:
        """What TLS itself sends after the handshake does not count as an answer."""
        authority = Authority()
        with RegistrySimulator(tls=authority.server_context()) as registry:
            transport = make(HttpOptions(ca_pem=authority.pem))
            for _ in range(3):
                await transport.send(_request(f"{registry.url}/v2/"))
            assert registry.connections == 1

    async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """An idle connection that was closed causes no error."""
        await transport.send(_request(f"{registry.url}/v2/"))
        registry.hang_up()
        assert (await transport.send(_request(f"{registry.url}/v2/"))).status == 200

    async def test_a_redirect_is_not_followed(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """That is decided by the caller."""
        registry.fault(Fault(status=307, headers={"Location": "/elsewhere"}))
        assert (await transport.send(_request(f"{registry.url}/v2/"))).status == 307
        assert len(registry.hits) == 1

    @pytest.mark.parametrize("chunked", [False, True])
    async def test_a_body_of_exactly_the_limit_is_read(
        self, transport: Transport, registry: RegistrySimulator, chunked: bool
    ) -> None:
        """The limit itself is allowed."""
        registry.fault(_chunked(b"x" * 1000) if chunked else Fault(body=b"x" * 1000))
        assert len((await transport.send(_request(f"{registry.url}/v2/"))).body) == 1000

    @pytest.mark.parametrize("how", ["announced", "chunked", "until the end"])
    async def test_a_larger_body_is_refused_not_cut(
        self, transport: Transport, registry: RegistrySimulator, how: str
    ) -> None:
        """However it is framed."""
        body = b"x" * 1001
        faults = {
            "announced": Fault(body=body),
            "chunked": _chunked(body),
            "until the end": Fault(raw=b"HTTP/1.1 200 OK\r\n\r\n" + body),
        }
        registry.fault(faults[how])
        await self._refused(transport, _request(f"{registry.url}/v2/"), Reason.SIZE_EXCEEDED)

    async def test_an_endless_body_ends(self, transport: Transport, registry: RegistrySimulator) -> None:
        """One byte past the limit is enough to know."""
        registry.fault(Fault(endless=True))
        await self._refused(transport, _request(f"{registry.url}/v2/"), Reason.SIZE_EXCEEDED)

    async def test_an_endless_error_is_cut(self, transport: Transport, registry: RegistrySimulator) -> None:
        """Of an error's body, 64 KiB are read, and its status still counts."""
        registry.fault(Fault(endless=True, status=404))
        response = await transport.send(_request(f"{registry.url}/v2/"))
        assert (response.status, len(response.body)) == (404, ERROR_BYTES)

    async def test_an_announced_size_has_to_be_the_expected(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """Nothing is read where the length is wrong already."""
        registry.fault(Fault(body=b"x" * 20))
        request = _request(f"{registry.url}/v2/", expected=19)
        await self._refused(transport, request, Reason.SIZE_MISMATCH)

    @pytest.mark.parametrize(
        "length", ["-1", "+5", "0x5", "5 5", "5, 5", "1_0", "\uff15", "", "99999999999999999999999"]
    )
    async def test_a_length_that_is_no_number_is_refused(
        self, transport: Transport, registry: RegistrySimulator, length: str
    ) -> None:
        """Only ASCII digits are a length."""
        registry.fault(Fault(body=b"hello", headers={"Content-Length": length}))
        request = _request(f"{registry.url}/v2/")
        await self._refused(transport, request, Reason.SIZE_MISMATCH, Reason.REGISTRY_ERROR)

    async def test_a_body_that_ends_early_is_refused(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """What was announced has to come."""
        registry.fault(Fault(body=b"x" * 20, truncate=10))
        await self._refused(transport, _request(f"{registry.url}/v2/"), Reason.SIZE_MISMATCH)

    @pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "zstd", "br", "deflate"])
    async def test_encoded_content_is_refused(
        self, transport: Transport, registry: RegistrySimulator, encoding: str
    ) -> None:
        """Nothing is ever decompressed."""
        registry.fault(Fault(body=b"\x1f\x8b", headers={"Content-Encoding": encoding}))
        await self._refused(transport, _request(f"{registry.url}/v2/"), Reason.CONTENT_ENCODING)

    @pytest.mark.parametrize(
        "raw",
        [
            b"garbage\r\n\r\n",
            b"HTTP/1.1 20\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nok",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
            b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"Content-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ],
    )
    async def test_what_is_no_http_is_refused_and_the_connection_is_not_used_again(
        self, transport: Transport, registry: RegistrySimulator, raw: bytes
    ) -> None:
        """Malformed, doubled and contradictory header fields, floods, other protocols."""
        registry.fault(Fault(raw=raw, times=1))
        request = _request(f"{registry.url}/v2/")
        await self._refused(transport, request, Reason.REGISTRY_ERROR, Reason.SIZE_MISMATCH)
        assert (await transport.send(request)).status == 200
        assert registry.connections == 2

    async def test_bytes_without_a_request_are_never_an_answer(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """A second answer sent along with the first does not become that of the next request."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        registry.fault(Fault(raw=answer + b"ok" + answer + b"ev", times=1))
        request = _request(f"{registry.url}/v2/")
        with contextlib.suppress(StoreError):
            assert (await transport.send(request)).body == b"ok"
        assert (await transport.send(request)).body == b""

    async def test_a_silent_server_is_given_up(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """After the request's time, its connection is closed."""
        release = threading.Event()
        registry.fault(Fault(wait=release))
        await self._refused(transport, _request(f"{registry.url}/v2/", timeout=0.1), Reason.TIMEOUT)
        release.set()

    async def test_a_dripping_server_is_given_up(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """A byte now and then does not extend the time."""
        registry.fault(Fault(drip=0.01, body=b"x" * 500))
        await self._refused(transport, _request(f"{registry.url}/v2/", timeout=0.15), Reason.TIMEOUT)

    async def test_a_cancelled_request_ends_its_connection(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """The next request has a connection of its own, and an answer of its own."""
        release = threading.Event()
        registry.fault(Fault(wait=release, times=1, body=b"first"))
        task = asyncio.create_task(transport.send(_request(f"{registry.url}/v2/")))
        while not registry.hits:  # noqa: ASYNC110 - the registry is in other threads
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        assert (await transport.send(_request(f"{registry.url}/v2/"))).body == b""
        assert registry.connections == 2

    async def test_many_requests_at_the_same_time_do_not_mix(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """Each gets its own answer."""
        memory = registry.repository("app")
        blobs = [memory.add_blob(f"blob {number}".encode()) for number in range(60)]
        requests = [_request(f"{registry.url}/v2/app/blobs/{blob.digest}") for blob in blobs]
        responses: list[Response] = await asyncio.gather(*(transport.send(request) for request in requests))
        assert [response.body for response in responses] == [
            f"blob {number}".encode() for number in range(60)
        ]
        assert registry.connections <= 60

    async def test_a_limit_bounds_the_connections_to_one_host(
        self, make: Callable[..., Transport], registry: RegistrySimulator
    ) -> None:
        """What is over it waits for its turn."""
        blob = registry.repository("app").add_blob(b"x")
        request = _request(f"{registry.url}/v2/app/blobs/{blob.digest}")
        transport = make(HttpOptions(max_connections=3))
        responses = await asyncio.gather(*(transport.send(request) for _ in range(30)))
        assert [response.status for response in responses] == [200] * 30
        assert registry.connections <= 3

    async def test_a_closed_port_is_unreachable(self, transport: Transport) -> None:
        """The message names the host."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        message = await self._refused(
            transport, _request(f"http://127.0.0.1:{port}/v2/"), Reason.REGISTRY_UNREACHABLE
        )
        assert f"127.0.0.1:{port}" in message

    async def test_a_name_without_an_address_is_unreachable(self, make: Callable[..., Transport]) -> None:
        """The resolver's error becomes ours."""

        def resolve(host: str, port: int) -> list[str]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        message = await self._refused(
            make(resolve=resolve), _request("https://missing.example/"), Reason.REGISTRY_UNREACHABLE
        )
        assert "missing.example" in message

    async def test_a_connection_closed_without_an_answer_is_unreachable(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """The server went away."""
        registry.fault(Fault(close=True))
        await self._refused(transport, _request(f"{registry.url}/v2/"), Reason.REGISTRY_UNREACHABLE)

    @pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
    async def test_a_connection_that_is_reset_is_lost(self, transport: Transport, after: bytes) -> None:
        """Before the answer and in the middle of it."""

        def reset(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(after)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with Scripted(reset, reset) as server:
            request = _request(f"http://127.0.0.1:{server.port}/")
            reasons = (Reason.REGISTRY_UNREACHABLE, Reason.SIZE_MISMATCH)
            await self._refused(transport, request, *reasons)

    async def test_bytes_that_come_late_are_no_answer_either(self, transport: Transport) -> None:
        """What comes on an idle connection ends it."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        first, sent = threading.Event(), threading.Event()

        def push(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(answer + b"ok")
            first.wait(10)
            with contextlib.suppress(OSError):
                client.sendall(answer + b"ev")
            sent.set()
            client.recv(4096)

        def good(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(answer + b"ok")

        with Scripted(push, good) as server:
            request = _request(f"http://127.0.0.1:{server.port}/")
            assert (await transport.send(request)).body == b"ok"
            first.set()
            await asyncio.to_thread(sent.wait, 10)
            for _ in range(10):  # turns in which the event loop sees them
                await asyncio.sleep(0)
            assert (await transport.send(request)).body == b"ok"

    @pytest.mark.parametrize(
        "field",
        [
            ("X", "a\r\nY: b"),
            ("X\r\nY", "b"),
            ("X", "a\nb"),
            ("X", "a\n"),
            ("X", "a\r\n"),
            ("X", "a\r"),
            ("X", "a\x1d"),
            ("X", "é"),
        ],
    )
    async def test_a_line_break_is_never_sent(
        self, transport: Transport, registry: RegistrySimulator, field: tuple[str, str]
    ) -> None:
        """A field cannot become two, nor end the head early."""
        request = _request(f"{registry.url}/v2/", headers=(field,))
        await self._refused(transport, request, Reason.REGISTRY_ERROR)
        assert registry.hits == ()

    async def test_a_private_ca_is_trusted_where_it_is_configured(
        self, make: Callable[..., Transport]
    ) -> None:
        """By the registry's own origin and configured token servers, by no other."""
        authority = Authority()
        with RegistrySimulator(tls=authority.server_context()) as registry:
            transport = make(HttpOptions(ca_pem=authority.pem))
            for trust in (REGISTRY, CONFIGURED):
                assert (await transport.send(_request(f"{registry.url}/v2/", trust=trust))).status == 200
            request = _request(f"{registry.url}/v2/", trust=SAME_HOST)
            await self._refused(transport, request, Reason.TLS_VERIFY)

    async def test_an_unknown_ca_or_another_name_is_not_trusted(self, make: Callable[..., Transport]) -> None:
        """There is no way to switch that off."""
        authority = Authority()
        with RegistrySimulator(tls=authority.server_context("other.example")) as registry:
            for options in (HttpOptions(), HttpOptions(ca_pem=authority.pem)):
                await self._refused(make(options), _request(f"{registry.url}/v2/"), Reason.TLS_VERIFY)
            assert registry.hits == ()

    async def test_a_port_without_tls_is_told_apart(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """Not one byte of a request is sent in the clear."""
        request = _request(f"https://127.0.0.1:{registry.port}/v2/")
        await self._refused(transport, request, Reason.TLS_REQUIRED)
        assert registry.hits == ()

    async def test_a_client_certificate_is_shown_to_the_registry_alone(
        self, make: Callable[..., Transport], tmp_path
    ) -> None:
        """A redirect's target or a token server asks in vain."""
        authority = Authority()
        certificate = tmp_path / "client.pem"
        certificate.write_bytes(authority.issue("client"))
        options = HttpOptions(ca_pem=authority.pem, client_cert_file=str(certificate))
        with RegistrySimulator(tls=authority.server_context(client_certificates=True)) as registry:
            transport = make(options)
            for trust in (REGISTRY, CONFIGURED):
                await transport.send(_request(f"{registry.url}/v2/", trust=trust))
            assert [bool(hit.client_certificate) for hit in registry.hits] == [True, False]

    async def test_a_name_is_resolved_once_and_only_that_address_is_dialled(
        self, make: Callable[..., Transport]
    ) -> None:
        """A resolver that changes its mind between check and connection has no second word."""
        answers = iter([["127.0.0.1"], ["8.8.8.8"]])
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return next(answers)

        request = _request("https://rebind.example/", trust=PUBLIC)
        await self._refused(make(resolve=resolve), request, Reason.SSRF_BLOCKED)
        assert asked == ["rebind.example"]

    @pytest.mark.parametrize("trust", [PUBLIC, Trust(ca=True)])
    async def test_a_literal_address_inside_is_never_dialled(
        self, transport: Transport, registry: RegistrySimulator, trust: Trust
    ) -> None:
        """Unless the place is trusted with one."""
        request = _request(f"{registry.url}/v2/", trust=trust)
        await self._refused(transport, request, Reason.SSRF_BLOCKED)
        assert registry.hits == ()

    async def test_a_name_is_what_tls_checks(self, make: Callable[..., Transport]) -> None:
        """The connection goes to the address, the certificate has to be the name's."""
        authority = Authority()
        with RegistrySimulator(tls=authority.server_context("registry.example")) as registry:
            transport = make(HttpOptions(ca_pem=authority.pem), resolve=lambda host, port: ["127.0.0.1"])
            url = f"https://registry.example:{registry.port}/v2/"
            assert (await transport.send(_request(url))).status == 200
            assert registry.hits[0].headers["host"] == f"registry.example:{registry.port}"

    async def test_plain_http_goes_through_a_proxy(self, make: Callable[..., Transport]) -> None:
        """With the whole URL as target, and the proxy's own authorization."""
        with RegistrySimulator() as proxy:
            environ = {"http_proxy": f"http://user:pw@{proxy.host}"}
            transport = make(environ=environ)
            response = await transport.send(_request("http://registry.example/v2/x"))
            assert response.status == 404
            assert proxy.hits[0].path == "http://registry.example/v2/x"
            assert proxy.hits[0].headers["host"] == "registry.example"
            assert proxy.hits[0].headers["proxy-authorization"] == "Basic dXNlcjpwdw=="

    async def test_https_goes_through_a_proxys_tunnel(self, make: Callable[..., Transport]) -> None:
        """A proxy that refuses it is named; nothing goes around it."""
        with RegistrySimulator() as proxy:
            transport = make(environ={"HTTPS_PROXY": proxy.url}, resolve=lambda host, port: ["127.0.0.1"])
            request = _request("https://registry.example/v2/")
            with pytest.raises(StoreError) as caught:
                await transport.send(request)
            assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
            assert [hit.method for hit in proxy.hits] == ["CONNECT"]
            assert proxy.hits[0].path == "registry.example:443"
            assert "authorization" not in proxy.hits[0].headers

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    async def test_https_goes_through_a_tunnel_to_its_own_certificate(
        self, make: Callable[..., Transport], version: str
    ) -> None:
        """What the proxy sees is a name and a stream; the proxy's authorization does not reach the registry."""
        authority = Authority()
        with (
            RegistrySimulator(tls=authority.server_context("registry.example")) as registry,
            Tunnel(registry.port, version) as tunnel,
        ):
            transport = make(
                HttpOptions(ca_pem=authority.pem),
                environ={"HTTPS_PROXY": f"http://user:pw@127.0.0.1:{tunnel.port}"},
                resolve=lambda host, port: ["127.0.0.1"],
            )
            response = await transport.send(_request("https://registry.example/v2/"))
            assert response.status == 200
            assert b"CONNECT registry.example:443 HTTP/1.1" in tunnel.asked
            assert b"Proxy-Authorization: Basic dXNlcjpwdw==" in tunnel.asked
            assert "proxy-authorization" not in registry.hits[0].headers

    async def test_atk_287_tiny_chunks_come_to_an_end(
        self, transport: Transport, registry: RegistrySimulator
    ) -> None:
        """What frames them counts, long before the body is as large as it may be."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        registry.fault(Fault(raw=head + b"1;a=b\r\nx\r\n" * 300_000))
        with pytest.raises(StoreError) as caught:
            await transport.send(_request(f"{registry.url}/v2/", limit=32 * 1024 * 1024))
        assert caught.value.reason is Reason.REGISTRY_ERROR
        assert "frame the chunks" in caught.value.message

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("address", ["127.0.0.1", "proxy.invalid"])
    async def test_a_dead_proxy_is_named(
        self, make: Callable[..., Transport], scheme: str, address: str
    ) -> None:
        """With its origin and without its password; and the remedy names the variables."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        def resolve(host: str, port: int) -> list[str]:
            if host == "proxy.invalid":
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return ["127.0.0.1"]

        transport = make(environ={"ALL_PROXY": f"http://user:pw@{address}:{port}"}, resolve=resolve)
        with pytest.raises(StoreError) as caught:
            await transport.send(_request(f"{scheme}://registry.example/v2/"))
        assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
        assert f"the proxy http://{address}:{port} to registry.example" in caught.value.message
        assert "pw" not in caught.value.message
        assert "HTTPS_PROXY" in caught.value.remedy

    async def test_a_proxy_that_speaks_no_http_is_refused(self, make: Callable[..., Transport]) -> None:
        """Its answer is not taken for a tunnel."""
        with RegistrySimulator() as proxy:
            proxy.fault(Fault(method="CONNECT", raw=b"garbage\r\n\r\n"))
            transport = make(environ={"HTTPS_PROXY": proxy.url}, resolve=lambda host, port: ["127.0.0.1"])
            await self._refused(transport, _request("https://registry.example/v2/"), Reason.REGISTRY_ERROR)

    async def test_a_name_that_only_the_proxy_knows_is_left_to_it(
        self, make: Callable[..., Transport]
    ) -> None:
        """A redirect's target need not be known in here; literal addresses inside stay refused."""
        with RegistrySimulator() as proxy:

            def resolve(host: str, port: int) -> list[str]:
                if host == "127.0.0.1":
                    return [host]
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

            transport = make(environ={"HTTPS_PROXY": proxy.url}, resolve=resolve)
            request = _request("https://outside.example/x", trust=PUBLIC)
            await self._refused(transport, request, Reason.REGISTRY_UNREACHABLE)
            assert proxy.hits[0].path == "outside.example:443"
            request = _request("https://10.0.0.1/x", trust=PUBLIC)
            await self._refused(transport, request, Reason.SSRF_BLOCKED)
            assert len(proxy.hits) == 1

    async def test_the_environments_proxy_can_be_ruled_out(
        self, make: Callable[..., Transport], registry: RegistrySimulator
    ) -> None:
        """With `proxyFromEnvironment: false` the variables say nothing."""
        options = HttpOptions(proxy_from_environment=False)
        transport = make(
            options, environ={"HTTP_PROXY": "http://192.0.2.1:1"}, resolve=lambda host, port: ["127.0.0.1"]
        )
        assert (await transport.send(_request(f"http://registry.example:{registry.port}/v2/"))).status == 200

    async def test_a_place_inside_is_refused_behind_a_proxy_too(self, make: Callable[..., Transport]) -> None:
        """What the name means here is checked as far as it means something here."""
        with RegistrySimulator() as proxy:
            transport = make(environ={"HTTPS_PROXY": proxy.url}, resolve=lambda host, port: ["10.0.0.1"])
            request = _request("https://inside.example/", trust=PUBLIC)
            await self._refused(transport, request, Reason.SSRF_BLOCKED)
            assert proxy.hits == ()

    async def test_closing_leaves_nothing_open(self, make: Callable[..., Transport]) -> None:
        """Idle connections are closed with the transport."""
        with RegistrySimulator() as registry:
            transport = make()
            await transport.send(_request(f"{registry.url}/v2/"))
            await transport.aclose()
            gc.collect()


def _chunked(body: bytes) -> Fault:
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
    return Fault(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts)
