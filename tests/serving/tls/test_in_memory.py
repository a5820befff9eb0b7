"""A server's identity that is given in memory."""

import math
import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.server import Address, Reply, Site, listening
from pyratify.serving.tls.in_memory import TlsMemory
from pyratify.serving.tls.reloading import ReloadingTls, TlsFiles
from pyratify.testing.tls import Authority

HERE = Address("127.0.0.1", 0)


async def hello(body: bytes) -> Reply:
    """Answer anything."""
    return Reply(200, b"hello")


SITE = Site(routes={("GET", "/"): hello}, refusals={})


def pair(authority: Authority) -> tuple[bytes, bytes]:
    """Return a new certificate for this machine and its key."""
    key, end, certificate = authority.issue("provider", "127.0.0.1").partition(b"-----END PRIVATE KEY-----\n")
    return certificate, key + end


async def greeted(where: Address, authority: Authority, client: Path | None = None) -> bool:
    """Return whether the server answers a client that trusts this authority."""
    context = ssl.create_default_context(cadata=authority.pem)
    if client is not None:
        context.load_cert_chain(client)
    try:
        async with (
            aiohttp.ClientSession(f"https://127.0.0.1:{where.port}") as session,
            session.get("/", ssl=context) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False


async def test_no_client_is_served_until_there_is_a_certificate() -> None:
    """The server listens and no handshake succeeds; then it serves, then it serves with another."""
    memory, one, other = TlsMemory(), Authority("one"), Authority("other")
    tls, now = ReloadingTls(memory), datetime.now(UTC)
    assert tls.unready_reason(now) == "there is no certificate yet"
    assert math.isnan(tls.seconds_left(now))
    async with listening(SITE, HERE, tls.context) as where:
        assert not await greeted(where, one)
        assert not tls.reload()
        for authority, stranger in ((one, other), (other, one)):
            memory.give(*pair(authority))
            assert tls.reload()
            assert not tls.reload()
            assert not tls.unready_reason(now)
            assert 86000 < tls.seconds_left(now) < 87000
            assert await greeted(where, authority)
            assert not await greeted(where, stranger)


async def test_atk_233_clients_are_asked_for_their_certificate_all_the_same(tmp_path: Path) -> None:
    """Their authority is a file that is followed: before there is a certificate of our own, with it, and after a change."""
    server, clients, others = Authority("servers"), Authority("clients"), Authority("others")
    file, shown = tmp_path / "ca.crt", tmp_path / "client.pem"
    file.write_text(clients.pem)
    shown.write_bytes(clients.issue("gatekeeper"))
    memory = TlsMemory(file)
    tls = ReloadingTls(memory)
    async with listening(SITE, HERE, tls.context) as where:
        assert not await greeted(where, server, shown)
        memory.give(*pair(server))
        assert tls.reload()
        assert await greeted(where, server, shown)
        assert not await greeted(where, server)
        file.write_text(others.pem)
        assert tls.reload()
        assert not await greeted(where, server, shown)
        file.write_text("")
        assert not tls.reload()
        assert not await greeted(where, server, shown)
        assert not await greeted(where, server)


async def test_files_serve_until_something_is_given(files: TlsFiles) -> None:
    """As the mounted Secret does while the API server cannot be asked; they are followed until then, and never after."""
    one, two, three = Authority("one"), Authority("two"), Authority("three")
    memory = TlsMemory(before=TlsFiles(files.certificate, files.key))
    tls = ReloadingTls(memory)
    assert tls.unready_reason(datetime.now(UTC)) == "there is no certificate yet"
    async with listening(SITE, HERE, tls.context) as where:
        for authority in (one, two):
            certificate, key = pair(authority)
            files.certificate.write_bytes(certificate)
            files.key.write_bytes(key)
            assert tls.reload()
            assert await greeted(where, authority)
        memory.give(*pair(three))
        assert tls.reload()
        files.certificate.write_bytes(certificate)
        assert not tls.reload()
        assert await greeted(where, three)


async def test_atk_234_a_pair_that_does_not_fit_is_not_used() -> None:
    """The last good one serves on, and no error shows anything of a key."""
    authority, memory = Authority("servers"), TlsMemory()
    good = pair(authority)
    memory.give(*good)
    tls = ReloadingTls(memory)
    async with listening(SITE, HERE, tls.context) as where:
        for certificate, key in ((good[0], pair(authority)[1]), (b"", good[1]), (good[0], b""), (b"x", b"y")):
            memory.give(certificate, key)
            assert not tls.reload()
            assert tls.fault is not None
            assert "PRIVATE" not in tls.fault.message
            assert await greeted(where, authority)
        memory.give(*good)
        assert tls.reload()
        assert tls.fault is None


def test_atk_244_a_key_is_in_no_file_that_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder for temporary files is needed, nothing is left, and no descriptor stays open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    memory = TlsMemory()
    memory.give(*pair(Authority("servers")))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert memory.context().cert_store_stats()["x509"] == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert "PRIVATE" not in repr(memory)


def test_atk_244_without_nameless_files_it_is_in_a_folder_of_our_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which no other user may enter, whatever the umask is; it is gone as soon as the key was read, also after a failure."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[tuple[int, int]] = []
    load = ssl.SSLContext.load_cert_chain

    def watched(self: ssl.SSLContext, certfile: Path, keyfile: Path, **more: object) -> None:
        paths = (certfile, keyfile)
        modes.extend((path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) for path in paths)
        load(self, certfile, keyfile, **more)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    memory, old = TlsMemory(), os.umask(0)
    try:
        memory.give(*pair(Authority("servers")))
        memory.context()
        memory.give(b"", b"broken")
        with pytest.raises(
            ConfigurationError, match="the certificate in memory and its key cannot be used"
        ) as caught:
            memory.context()
    finally:
        os.umask(old)
    assert "the private key that belongs to it" in caught.value.remedy
    assert modes == [(0o600, 0o700)] * 4
    assert list(tmp_path.iterdir()) == []
