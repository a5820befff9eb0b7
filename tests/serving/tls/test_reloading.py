"""TLS that is exchanged while the server runs."""

import asyncio
import gc
import ssl
import weakref
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.serving.tls.reloading import ReloadingTls, TlsFiles
from pyratify.testing.tls import Authority

HERE = Address("127.0.0.1", 0)
NOW = datetime.now(UTC)


async def hello(asked: Request) -> Reply:
    """Answer anything."""
    return Reply(200, b"hello")


SITE = Site(routes={("GET", "/"): hello}, refusals={})


def write(files: TlsFiles, server: Authority, client: Authority) -> None:
    """Write a new certificate and key, and the clients' authority."""
    pem = server.issue("provider", "127.0.0.1")
    files.certificate.write_bytes(pem)
    files.key.write_bytes(pem)
    if files.client_ca is not None:
        files.client_ca.write_text(client.pem)


def client_context(folder: Path, server: Authority, client: Authority | None) -> ssl.SSLContext:
    """Return a client's context that trusts the server's authority and shows a certificate of the client's."""
    context = ssl.create_default_context(cadata=server.pem)
    if client is not None:
        path = folder / "client.pem"
        path.write_bytes(client.issue("gatekeeper"))
        context.load_cert_chain(path)
    return context


async def greeted(where: Address, context: ssl.SSLContext) -> bool:
    """Return whether the server answers a client with this context."""
    try:
        async with (
            aiohttp.ClientSession(f"https://127.0.0.1:{where.port}") as session,
            session.get("/", ssl=context) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False


@pytest.mark.parametrize("name", ["certificate", "client_ca"])
def test_a_file_over_the_limit_is_refused_and_not_cut(name: str, files: TlsFiles) -> None:
    """Else the authorities behind the limit would be missing without a word."""
    write(files, Authority(), Authority())
    path: Path = getattr(files, name)
    path.write_bytes(path.read_bytes() + b"#" * 1024 * 1024 + Authority().pem.encode())
    with pytest.raises(ConfigurationError, match="has more than 1048576 bytes"):
        ReloadingTls(files)


def test_replaced_contexts_are_freed_at_once(files: TlsFiles) -> None:
    """A context holds the authorities of all clients, and collections of garbage are rare in servers."""
    contexts: list[weakref.ref[ssl.SSLContext]] = []

    class Noted(TlsFiles):
        __slots__ = ()

        def context(self) -> ssl.SSLContext:
            found = super().context()
            contexts.append(weakref.ref(found))
            return found

    write(files, Authority(), Authority())
    gc.disable()
    try:
        tls = ReloadingTls(Noted(files.certificate, files.key, files.client_ca))
        for _ in range(5):
            write(files, Authority(), Authority())
            assert tls.reload()
        assert [each() is not None for each in contexts] == [False] * 5 + [True]
    finally:
        gc.enable()


async def test_only_clients_of_the_authority_are_answered(files: TlsFiles, tmp_path: Path) -> None:
    """No certificate and one of another authority are refused in the handshake; TLS 1.2 too."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    async with listening(SITE, HERE, ReloadingTls(files).context) as where:
        assert await greeted(where, client_context(tmp_path, server, client))
        assert not await greeted(where, client_context(tmp_path, server, None))
        assert not await greeted(where, client_context(tmp_path, server, Authority("others")))
        old = client_context(tmp_path, server, client)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert not await greeted(where, old)


async def test_atk_234_no_session_can_be_resumed(files: TlsFiles, tmp_path: Path) -> None:
    """Clients are given no ticket, with which one whose authority is gone would come in without its certificate."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    context = client_context(tmp_path, server, client)
    async with listening(SITE, HERE, ReloadingTls(files).context) as where:
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        session = writer.get_extra_info("ssl_object").session
        writer.close()
    assert session is None or not session.has_ticket


async def test_atk_234_certificate_key_and_authority_are_exchanged_together(
    files: TlsFiles, tmp_path: Path
) -> None:
    """After the exchange the new pair serves the new clients, and clients of the old authority are refused."""
    old, new = (Authority("s1"), Authority("c1")), (Authority("s2"), Authority("c2"))
    write(files, *old)
    tls = ReloadingTls(files)
    async with listening(SITE, HERE, tls.context) as where:
        assert await greeted(where, client_context(tmp_path, *old))
        write(files, *new)
        assert tls.reload()
        assert not tls.reload()
        assert await greeted(where, client_context(tmp_path, *new))
        assert not await greeted(where, client_context(tmp_path, new[0], old[1]))
        assert not await greeted(where, client_context(tmp_path, *old))


async def test_atk_234_a_connection_of_an_authority_that_is_gone_ends(
    files: TlsFiles, tmp_path: Path
) -> None:
    """With its next answer, however busy it is; until the exchange it is kept."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    tls = ReloadingTls(files)
    context = client_context(tmp_path, server, client)
    async with (
        listening(SITE, HERE, tls.context, outdated=tls.outdated) as where,
        aiohttp.ClientSession(f"https://127.0.0.1:{where.port}") as session,
    ):
        kept = []
        for _ in range(2):
            async with session.get("/", ssl=context) as answer:
                kept.append(answer.headers.get("Connection"))
        write(files, server, Authority("others"))
        assert tls.reload()
        async with session.get("/", ssl=context) as answer:
            kept.append(answer.headers.get("Connection"))
        with pytest.raises(aiohttp.ClientError):
            await session.get("/", ssl=context)
    assert kept == [None, None, "close"]


async def test_atk_234_a_key_of_another_certificate_is_not_used(files: TlsFiles, tmp_path: Path) -> None:
    """The last good pair serves on, and the fault is known until it is mended."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    tls = ReloadingTls(files)
    async with listening(SITE, HERE, tls.context) as where:
        files.key.write_bytes(server.issue("other", "127.0.0.1"))
        assert not tls.reload()
        assert tls.fault is not None
        assert await greeted(where, client_context(tmp_path, server, client))
        write(files, server, client)
        assert tls.reload()
        assert tls.fault is None


async def test_atk_234_an_empty_authority_admits_no_client(files: TlsFiles, tmp_path: Path) -> None:
    """Neither any client nor those of before."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    tls = ReloadingTls(files)
    async with listening(SITE, HERE, tls.context) as where:
        assert files.client_ca is not None
        files.client_ca.write_text("")
        assert not tls.reload()
        assert not await greeted(where, client_context(tmp_path, server, client))
        assert not await greeted(where, client_context(tmp_path, server, None))


@pytest.mark.parametrize("content", ["", None], ids=["empty", "gone"])
async def test_the_same_files_serve_again_when_they_are_back(
    files: TlsFiles, tmp_path: Path, content: str | None
) -> None:
    """An authority that was empty or gone for a while is used again as it was before, though it did not change."""
    server, client = Authority("servers"), Authority("clients")
    write(files, server, client)
    tls = ReloadingTls(files)
    assert files.client_ca is not None
    async with listening(SITE, HERE, tls.context) as where:
        files.client_ca.unlink()
        if content is not None:
            files.client_ca.write_text(content)
        assert not tls.reload()
        assert not tls.reload()
        assert tls.unready_reason(NOW)
        files.client_ca.write_text(client.pem)
        assert tls.reload()
        assert not tls.unready_reason(NOW)
        assert await greeted(where, client_context(tmp_path, server, client))


def test_the_end_of_the_certificate_is_known(files: TlsFiles) -> None:
    """In seconds, for a gauge; and after it that is a fault."""
    write(files, Authority("servers"), Authority("clients"))
    tls = ReloadingTls(files)
    assert tls.expires is not None
    assert tls.seconds_left(tls.expires) == 0
    assert tls.seconds_left(tls.expires + timedelta(seconds=2)) == -2
    assert tls.unready_reason(tls.expires) == ""
    assert tls.unready_reason(tls.expires + timedelta(seconds=1)).startswith("the certificate ended at 20")


@pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_a_server_does_not_begin_with_a_bad_file(files: TlsFiles, name: str, content: str | None) -> None:
    """Missing, empty and malformed files are the configuration's fault."""
    write(files, Authority("servers"), Authority("clients"))
    path = getattr(files, name)
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError):
        ReloadingTls(files)
