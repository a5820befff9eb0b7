"""The shared cache over a real Redis: what it does, and what happens when it is killed, stopped, started anew or full of lies."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.redis import RedisRemote, open_redis
from pyratify.caches.replicated import SharedCache
from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import Reference
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from pyratify.testing.tls import Authority
from support.ports import free_port
from support.sharing import SECRET, RedisServer, engine, question, running_redis, verdict

APP = Reference.parse("example.com/app:v1")
PATIENT = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests that do it no harm."""
    with running_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


@asynccontextmanager
async def opened(url: str, seconds: float = PATIENT, **settings: Any) -> AsyncIterator[SharedCache]:
    """Open a shared cache and close it."""
    remote = open_redis(url, seconds=seconds, **settings)
    cache = SharedCache(remote, SECRET, FakeClock(), seconds=seconds)
    try:
        yield cache
    finally:
        await cache.aclose()


async def test_two_processes_share_a_verdict_through_redis(server: RedisServer) -> None:
    """What one put in the other gets, with the same content; Redis is told to forget it in time."""
    async with opened(server.url) as one, opened(server.url) as two:
        await one.put(question("shared"), verdict(), 60)
        found = await two.get(question("shared"))
        assert found is not None
        assert found.result == verdict()
        client: Any = one.remote
        names = [name async for name in client.client.scan_iter("pyratify:1:*")]
        lives = [await client.client.pttl(name) for name in names]
        assert names
        assert all(0 < life <= 60_000 for life in lives)


async def test_a_redis_that_was_killed_is_a_miss_and_comes_back(tmp_path: Path) -> None:
    """Verdicts are evaluated as without it; started anew, at the same place, it is used again."""
    with running_redis(tmp_path) as server:
        async with opened(server.url) as cache:
            await cache.put(question(), verdict(), 60)
            server.kill()
            for _ in range(4):
                assert await cache.get(question()) is None
            assert (cache.counts.errors, cache.counts.skipped) == (3, 1)
            server.start()
            clock: Any = cache.clock
            clock.advance(60)
            await cache.put(question(), verdict(), 60)
            assert await cache.get(question()) is not None
            assert cache.breaker.is_open is False


async def test_a_redis_that_hangs_delays_no_verdict(tmp_path: Path) -> None:
    """Stopped in the middle, it costs three short waits and then none; every request gets its verdict all the same."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test")
    with running_redis(tmp_path) as server:
        async with opened(server.url, seconds=0.05) as cache:
            await cache.get(question())
            server.send(signal.SIGSTOP)
            verdicts = Verdicts(FakeClock(), Lifetimes(allowed=0), shared=cache)
            for _ in range(6):
                assert (await verdicts.validate(engine(store), APP)).succeeded
            assert cache.counts.errors == 3
            assert cache.counts.skipped >= 3
            server.send(signal.SIGCONT)
            clock: Any = cache.clock
            clock.advance(60)
            cache.seconds = PATIENT
            await cache.put(question("after"), verdict(), 60)
            assert await cache.get(question("after")) is not None


async def test_an_answer_never_reaches_who_did_not_ask_for_it(server: RedisServer) -> None:
    """Cancelled in the middle of a command, a connection is not used again: the next answer is the next one's."""
    async with opened(server.url) as cache:
        await cache.put(question("a"), verdict(), 60)
        await cache.put(question("b"), verdict(), 60)
        for wait in range(30):
            asking = asyncio.create_task(cache.get(question("a")))
            for _ in range(wait):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            found = await cache.get(question("b"))
            assert found is not None
        assert cache.counts.refused == 0


async def test_an_entry_larger_than_any_is_not_read_whole(server: RedisServer) -> None:
    """Redis is asked for the beginning alone; what it holds is no entry."""
    async with opened(server.url) as cache:
        remote: Any = cache.remote
        await cache.put(question("large"), verdict(), 60)
        names = [name async for name in remote.client.scan_iter("pyratify:1:*")]
        for name in names:
            await remote.client.setrange(name, 32 * 1024 * 1024, b"x")
        assert len(await remote.get(names[0], 1000)) == 1000
        assert await cache.get(question("large")) is None
        await remote.client.flushall()


async def test_a_password_and_tls_are_used(tmp_path: Path) -> None:
    """With the right password and authority it works; with neither it is a miss."""
    authority = Authority("servers")
    (tmp_path / "ca.pem").write_text(authority.pem)
    (tmp_path / "redis.pem").write_bytes(authority.issue("redis", "127.0.0.1"))
    (tmp_path / "strangers.pem").write_text(Authority("strangers").pem)
    pem, port = str(tmp_path / "redis.pem"), free_port()
    arguments = (
        "--port", "0", "--tls-port", str(port), "--tls-cert-file", pem, "--tls-key-file", pem,
        "--tls-ca-cert-file", str(tmp_path / "ca.pem"), "--tls-auth-clients", "no",
        "--requirepass", "test-only",
    )  # fmt: skip
    with running_redis(tmp_path, *arguments, port=port):
        url = f"rediss://127.0.0.1:{port}/0"
        ca = str(tmp_path / "ca.pem")
        async with opened(url, password="test-only", ca_file=ca) as cache:
            await cache.put(question(), verdict(), 60)
            assert await cache.get(question()) is not None
            assert "test-only" not in repr(cache)
        for password, authority_file in (
            ("wrong", ca),
            ("", ca),
            ("test-only", str(tmp_path / "strangers.pem")),
        ):
            async with opened(url, password=password, ca_file=authority_file) as cache:
                assert await cache.get(question()) is None
                assert cache.counts.errors == 1


def test_nothing_of_the_connections_is_shown() -> None:
    """Some versions of the package show the password."""

    class Loud:
        def __repr__(self) -> str:
            return "password=hunter2"

    loud: Any = Loud()
    assert "hunter2" not in repr(SharedCache(RedisRemote(loud), SECRET, FakeClock()))


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("http://127.0.0.1", {}),
        ("redis://", {}),
        ("redis://:secret@127.0.0.1/0", {}),
        ("redis://127.0.0.1/0?password=secret", {}),
        ("redis://127.0.0.1/0?ssl_cert_reqs=none", {}),
        ("redis://127.0.0.1:0/0", {}),
        ("redis://127.0.0.1:x/0", {}),
        ("redis://127.0.0.1/0#x", {}),
        ("redis://127.0.0.1/0", {"ca_file": "ca.pem"}),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, settings: dict[str, str]) -> None:
    """So is one with a password in it, which is not repeated in the message."""
    with pytest.raises(ConfigurationError) as caught:
        open_redis(url, **settings)
    assert "secret" not in caught.value.message


def test_redis_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError) as caught:
        open_redis("redis://127.0.0.1/0")
    assert "pyratify[redis]" in caught.value.remedy


async def test_a_user_who_may_do_nothing_else_suffices(tmp_path: Path) -> None:
    """Two commands on names with our prefix; a client with the password can neither list nor delete other entries."""
    user = ("--user", "ratify", "on", ">test-only", "~pyratify:1:*", "-@all", "+getrange", "+set")
    with running_redis(tmp_path, *user, "--requirepass", "another") as server:
        url = server.url.replace("redis://", "redis://ratify@")
        async with opened(url, password="test-only") as cache:
            await cache.put(question(), verdict(), 60)
            assert await cache.get(question()) is not None
            assert cache.counts.errors == 0
            remote: Any = cache.remote
            for command in (("GET", "pyratify:1:x"), ("KEYS", "*"), ("SET", "other", "x"), ("FLUSHALL",)):
                with pytest.raises(Exception, match=r"(?i)permission"):
                    await remote.client.execute_command(*command)
