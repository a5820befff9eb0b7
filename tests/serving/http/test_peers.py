"""Which processes may ask at a unix socket."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from pyratify.serving.http import server
from pyratify.serving.http.activity import Watch
from pyratify.serving.http.group_members import GroupMembers
from pyratify.serving.http.peers import Peer, Peers, peer_of
from pyratify.serving.http.routes import Address, Reply, Request, Site, plain
from pyratify.serving.unix.bind import bind_unix
from pyratify.testing.fakes import FakeClock


def peers(look_up: Callable[[int], frozenset[int]], own: int = 1) -> Peers:
    """Return who may ask where a group's members may, too."""
    return Peers(GroupMembers(4242, FakeClock(), look_up), own)


def test_the_kernel_says_which_process_asks() -> None:
    """Both ends of a pair are this process."""
    first, second = socket.socketpair(socket.AF_UNIX)
    with first, second:
        assert peer_of(first) == Peer(os.getpid(), os.geteuid(), os.getegid())


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        (Peer(1, 0, 0), True),
        (Peer(1, 1001, 1001), True),
        (Peer(1, 1002, 1002), False),
        (Peer(1, 1002, 0), False),
    ],
    ids=["root", "own user", "another user", "another user in root's group"],
)
async def test_root_and_the_own_user_may_ask(peer: Peer, admitted: bool) -> None:
    """Without a group nothing else."""
    assert (await Peers(own=1001).refusal(peer) is None) is admitted


@pytest.mark.parametrize(
    ("peer", "status"),
    [(Peer(1, 1002, 4242), 0), (Peer(1, 1003, 9), 0), (Peer(1, 1002, 4243), 403)],
    ids=["primary group", "member", "neither"],
)
async def test_a_group_may_ask_too(peer: Peer, status: int) -> None:
    """By the primary group of the process, and by membership, which the kernel does not tell."""
    refusal = await peers(lambda group: frozenset({1003}) if group == 4242 else frozenset()).refusal(peer)
    assert (refusal.status if refusal else 0) == status


async def test_members_that_cannot_be_looked_up_are_refused() -> None:
    """As what may be tried again; root needs no look-up."""

    def fails(group: int) -> frozenset[int]:
        raise OSError("the directory does not answer")

    refusal = await peers(fails).refusal(Peer(1, 1002, 9))
    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, "GROUP_UNKNOWN")
    assert "4242" in refusal.message
    assert await peers(fails).refusal(Peer(1, 0, 0)) is None


@pytest.mark.parametrize("fails", [False, True], ids=["no member", "no answer"])
async def test_a_server_refuses_and_counts_what_may_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Before the handler, and each kind by itself."""

    async def handler(asked: Request) -> Reply:
        raise AssertionError("a stranger was answered")

    def look_up(group: int) -> frozenset[int]:
        if fails:
            raise OSError("the directory does not answer")
        return frozenset()

    # The tests may run as root, which may always ask.
    monkeypatch.setattr(server, "peer_of", lambda connection: Peer(1, 1002, 9))
    site, watch = Site(routes={("POST", "/x"): handler}, refusals={"/x": plain}), Watch()
    one = bind_unix(tmp_path / "s.sock")
    where = Address(str(tmp_path / "s.sock"), 0)
    async with (
        server.listening(site, where, sockets=(one.listener,), peers=peers(look_up), watch=watch),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(where.host)) as client,
        client.post("http://localhost/x", data=b"x") as answer,
    ):
        assert answer.status == (503 if fails else 403)
    assert dict(watch.refused.counts) == {"group_unknown" if fails else "foreign_user": 1}
    one.remove()
