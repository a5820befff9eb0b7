"""Which processes may ask at a unix socket."""

import grp
import os
import pwd
import socket

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.peers import Peer, Peers, group_number, peer_of


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
def test_root_and_the_own_user_may_ask(peer: Peer, admitted: bool) -> None:
    """Without a group nothing else."""
    assert Peers(own=1001).admits(peer) is admitted


def test_a_group_may_ask_too() -> None:
    """By the primary group of the process, and by membership, which the kernel does not tell."""
    assert Peers(group=4242, own=1).admits(Peer(1, 1002, 4242))
    assert not Peers(group=4242, own=1).admits(Peer(1, 1002, 4243))
    found = [(each.gr_gid, name) for each in grp.getgrall() for name in each.gr_mem]
    for group, name in found[:1]:
        user = pwd.getpwnam(name).pw_uid
        assert Peers(group=group, own=1).admits(Peer(1, user, 999999))


def test_a_group_may_name_users_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cannot ask, and hinder no one else."""
    group = grp.struct_group(("ratify", "x", 4242, ["no-such-user", "root"]))
    monkeypatch.setattr(grp, "getgrgid", lambda number: group)
    assert Peers(group=4242, own=1).admits(Peer(1, 0, 1))
    assert not Peers(group=4242, own=1).admits(Peer(1, 1002, 1))


def test_a_group_has_a_name_or_a_number() -> None:
    """One that does not exist is said at the start."""
    own = grp.getgrgid(os.getgid())
    assert group_number(own.gr_name) == own.gr_gid
    assert group_number("4242") == 4242
    with pytest.raises(ConfigurationError, match="no group 'nobody-here'"):
        group_number("nobody-here")
