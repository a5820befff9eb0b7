"""The program's functions in this process: what each failure of the connection becomes."""

import asyncio
import io
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.digest import Digest
from pyratify.entrypoints.node.containerd import ratify_containerd_verifier as program
from pyratify.testing.memory import MemoryStore
from support.nodes import arguments, descriptor, judge, served

DIGEST = str(Digest.of(b"image"))


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[[], str]:
    """Set the program up to ask in a folder of the test; returns what it has printed."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(descriptor(DIGEST))))
    monkeypatch.setattr(program, "SOCKET", str(tmp_path / "node.sock"))
    monkeypatch.setattr(program, "OWNERS", (0, os.geteuid()))
    monkeypatch.setattr(program, "SECONDS", 0.9)

    def printed() -> str:
        return capsysbinary.readouterr().out.decode()

    return printed


def test_without_a_daemon_it_refuses(said: Callable[[], str]) -> None:
    """Or becomes what its settings say, with the same arguments."""
    assert program.main(list(arguments(DIGEST))) == 2
    assert "[DAEMON_UNREACHABLE]" in said()


def test_without_a_daemon_it_becomes_another_program(
    said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the root folder, with three variables of its own."""
    seen: list[object] = []

    def become(path: str, command: tuple[str, ...], environment: dict[str, str]) -> None:
        seen.extend((path, command, sorted(environment)))
        raise PermissionError("not here")

    monkeypatch.setattr("posix.execve", become)
    monkeypatch.setattr("posix.chdir", seen.append)
    monkeypatch.setattr(program, "WITHOUT_DAEMON", ("/opt/ratify", "node"))
    assert program.main(list(arguments(DIGEST))) == 2
    assert seen == ["/", "/opt/ratify", ("/opt/ratify", "node", *arguments(DIGEST)), ["HOME", "LANG", "PATH"]]
    assert "not here [DAEMON_UNREACHABLE]" in said()


@pytest.mark.parametrize("given", [(), ("-name",), arguments(DIGEST, "a\nb")])
def test_other_arguments_are_refused(said: Callable[[], str], given: tuple[str, ...]) -> None:
    """Before anything is asked."""
    assert program.main(list(given)) == 2
    assert "[BAD_REQUEST]" in said()


async def test_a_whole_exchange(said: Callable[[], str], tmp_path: Path) -> None:
    """The daemon's exit code and text."""
    async with served(tmp_path / "node.sock", judge(MemoryStore())):
        assert await asyncio.to_thread(program.main, list(arguments(DIGEST))) == 2
    assert "ratify: UNDECIDED example.com/app" in said()


def test_what_goes_wrong_on_the_way_is_said(
    said: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed input, an exception of any kind, a daemon of another user."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "node.sock"))
        silent.listen()
        for stdin in (None, 7):
            monkeypatch.setattr(sys, "stdin", stdin)
            assert program.main(list(arguments(DIGEST))) == 2
        monkeypatch.setattr(program, "OWNERS", (4242,))
        assert program.main(list(arguments(DIGEST))) == 2
    printed = said()
    assert "standard input is closed [BAD_REQUEST]" in printed
    assert "unexpected AttributeError" in printed
    assert f"belongs to the user {os.geteuid()}" in printed


def test_a_daemon_that_says_nothing_is_given_up(said: Callable[[], str], tmp_path: Path) -> None:
    """After the time of its settings."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "node.sock"))
        silent.listen()
        assert program.main(list(arguments(DIGEST))) == 2
    assert "[TIMEOUT]" in said()


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"0", "answered '0'"), (b"7\nx", "answered '7'"), (b"0\nx", "ended too early"), (b"", "answered ''")],
)
def test_answers_that_are_none(body: bytes, message: str) -> None:
    """Each with its own sentence."""
    length = len(body) + (message == "ended too early")
    with pytest.raises(program.Refused, match=message):
        program.answer_of(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length, body))
    with pytest.raises(program.Refused, match="says: no"):
        program.answer_of(b"HTTP/1.1 403 Forbidden\r\n\r\nno")
