"""Sockets that systemd hands over."""

import os
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.peers import Peers
from pyratify.serving.http.routes import Site
from pyratify.serving.unix.activation import activated
from pyratify.serving.unix.listeners import UnixSite, bind_sites, fault_of


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Return the path and descriptor of a listening socket, as systemd leaves them."""
    path = tmp_path / "node.sock"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
        one.listen()
        yield path, os.dup(one.fileno())


def environment(number: int = 1, pid: int | None = None) -> dict[str, str]:
    """Return systemd's variables."""
    return {
        "LISTEN_PID": str(os.getpid() if pid is None else pid),
        "LISTEN_FDS": str(number),
        "LISTEN_FDNAMES": "node.socket",
    }


def site(path: Path) -> UnixSite:
    """Return a site at a path."""
    return UnixSite(path=path, site=Site(routes={}, refusals={}), peers=Peers())


def test_a_socket_is_found_by_its_path(handed: tuple[Path, int]) -> None:
    """And is not removed at the end: it is systemd's. The variables are gone, for the sake of children."""
    path, descriptor = handed
    variables = environment()
    found = activated(variables, descriptor)
    assert list(found) == [path]
    assert not variables
    assert not os.get_inheritable(descriptor)
    found[path].remove()
    assert path.exists()
    found[path].listener.close()


@pytest.mark.parametrize("variables", [{}, environment(pid=1), {**environment(), "LISTEN_FDS": "-1"}])
def test_sockets_of_another_process_are_not_taken(variables: dict[str, str]) -> None:
    """A child of an activated process inherits the variables."""
    assert not activated(variables)


def test_what_is_no_listening_socket_is_refused(tmp_path: Path) -> None:
    """A pipe, a file or a connection in place of a socket unit's."""
    with socket.socket(socket.AF_INET) as tcp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        with pytest.raises(ConfigurationError, match="no listening unix stream socket"):
            activated(environment(), os.dup(tcp.fileno()))
    with (tmp_path / "file").open("w") as file, pytest.raises(ConfigurationError, match="cannot be used"):
        activated(environment(), file.fileno())
    with pytest.raises(ConfigurationError, match="more than"):
        activated(environment(1000))


def test_a_socket_whose_file_is_gone_is_refused(handed: tuple[Path, int]) -> None:
    """No client would reach it."""
    path, descriptor = handed
    path.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        activated(environment(), descriptor)


async def test_a_socket_of_systemd_is_used_in_place_of_an_own_one(
    handed: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The other site makes its own."""
    path, descriptor = handed
    monkeypatch.setattr("pyratify.serving.unix.listeners.activated", lambda e: activated(e, descriptor))
    async with AsyncExitStack() as stack:
        found = bind_sites((site(path), site(tmp_path / "own.sock")), stack, environment())
        assert [found[each].owned for each in found] == [False, True]
        assert not fault_of(found.values())
        (tmp_path / "own.sock").unlink()
        assert "own.sock is gone" in fault_of(found.values())
    assert path.exists()


async def test_a_socket_that_nothing_answers_at_is_refused(
    handed: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clients would wait until their time is over."""
    path, descriptor = handed
    monkeypatch.setattr("pyratify.serving.unix.listeners.activated", lambda e: activated(e, descriptor))
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigurationError, match=str(path)):
            bind_sites((), stack, environment())
