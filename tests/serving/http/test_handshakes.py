"""Clients that never get to ask are counted, and the log says why."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from pyratify.serving.http.activity import RefusedClients, Watch
from pyratify.serving.http.handshakes import explain
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.serving.tls.reloading import ReloadingTls, TlsFiles
from pyratify.testing.fakes import FakeClock
from pyratify.testing.tls import Authority

HERE = Address("127.0.0.1", 0)


async def hello(asked: Request) -> Reply:
    """Answer anything."""
    return Reply(200, b"hello")


SITE = Site(routes={("GET", "/"): hello}, refusals={})
CASES = {
    "no_certificate": "the client showed no certificate; one of the clients' authority is needed",
    "foreign_certificate": "the client's certificate was not accepted: ",
    "refused_by_client": "the client refused this server's certificate or settings: unknown ca",
    "tls_version": "the client speaks no TLS 1.3",
    "plain_http": "the client spoke plain http; this address is served with https",
    "not_tls": "the client did not speak TLS",
}


def ask(where: Address, context: ssl.SSLContext | None, data: bytes) -> bytes:
    """Connect, ask, and return whatever comes; over blocking sockets, which send the alerts that other clients send."""
    found = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", where.port), timeout=10) as raw:
        one = raw if context is None else context.wrap_socket(raw, server_hostname="127.0.0.1")
        with one:
            one.sendall(data)
            found = one.recv(65536)
    return found


@pytest.mark.parametrize("kind", CASES)
async def test_a_client_that_is_refused_is_seen(
    kind: str, files: TlsFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By a line that says why, once for many of its kind, and by a count of each."""
    server, clients = Authority("servers"), Authority("clients")
    files.certificate.write_bytes(server.issue("provider", "127.0.0.1"))
    files.key.write_bytes(files.certificate.read_bytes())
    assert files.client_ca is not None
    files.client_ca.write_text(clients.pem)
    context: ssl.SSLContext | None = ssl.create_default_context(
        cadata=(Authority("others") if kind == "refused_by_client" else server).pem
    )
    assert context is not None
    if kind != "no_certificate":
        shown = Authority("strangers") if kind == "foreign_certificate" else clients
        path = tmp_path / "client.pem"
        path.write_bytes(shown.issue("gatekeeper"))
        context.load_cert_chain(path)
    if kind == "tls_version":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    data = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" if kind != "not_tls" else b"\x00\x01\x02\x03hello, world"
    context = None if kind in ("plain_http", "not_tls") else context
    watch = Watch(refused=RefusedClients(FakeClock().monotonic))
    async with listening(SITE, HERE, ReloadingTls(files).context, watch=watch) as where:
        for _ in range(3):
            assert b"200" not in await asyncio.to_thread(ask, where, context, data)
    assert watch.refused.counts == {kind: 3}
    (line,) = [record for record in caplog.records if record.getMessage() == "client refused"]
    assert (line.kind, line.count) == (kind, 1)  # type: ignore[attr-defined]
    assert line.error.startswith(CASES[kind])  # type: ignore[attr-defined]


def test_a_line_comes_again_after_a_while_with_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    """Ten seconds, for each kind by itself."""
    clock = FakeClock()
    refused = RefusedClients(clock.monotonic)
    for _ in range(5):
        refused.note("plain_http", "why")
        refused.note("not_http", "why")
    clock.advance(10)
    refused.note("plain_http", "why")
    found = [(record.kind, record.count) for record in caplog.records]  # type: ignore[attr-defined]
    assert found == [("plain_http", 1), ("not_http", 1), ("plain_http", 5)]


def test_a_failure_of_another_kind_is_named_as_the_library_names_it() -> None:
    """It is one kind for all of them, so that nothing from outside becomes a label."""
    assert explain(ssl.SSLError(1, "odd"))[0] == "handshake"
