"""The program that containerd runs: which answers it passes on, and that everything else is a refusal."""

import ast
import asyncio
import os
import sys
from pathlib import Path

import pytest

from pyratify.core.digest import Digest
from pyratify.entrypoints.node.containerd import ratify_containerd_verifier
from pyratify.serving.http.peers import Peer, Peers
from pyratify.serving.http.routes import Rejection, Reply, Request, Site
from pyratify.testing.memory import MemoryStore
from support.nodes import arguments, descriptor, judge, run, served, written
from support.scenes import signed_by_annotation

DIGEST = str(Digest.of(b"image"))


def answering(body: bytes, status: int = 200) -> Site:
    """Return a site that answers everything with these bytes."""

    async def answer(request: Request) -> Reply:
        return Reply(status, body, "text/plain")

    return Site(routes={("POST", "/v1/containerd"): answer}, refusals={})


def test_it_imports_two_modules() -> None:
    """Each other one costs every pull; the one for the fallback is imported in the fallback alone."""
    tree = ast.parse(Path(ratify_containerd_verifier.__file__).read_text())
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert sorted(ast.unparse(node).split()[1] for node in top) == ["_socket", "sys"]


def test_its_first_line_starts_python_without_site_and_environment(tmp_path: Path) -> None:
    """In one word: the kernel passes everything after the interpreter as one argument."""
    first = written(tmp_path, tmp_path / "node.sock").read_text().partition("\n")[0]
    assert first == f"#!{sys.executable} -IS"


async def test_an_image_is_allowed_or_refused(tmp_path: Path) -> None:
    """With the exit code and the text of the daemon."""
    store = MemoryStore()
    good, bad = store.add_image(), store.add_image("v2", b"other")
    store.attach(good, "application/test", annotations={"signers": "alice"})
    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", judge(store, signed_by_annotation())):
        for subject, code, text in ((good, 0, "ratify: ALLOWED"), (bad, 1, "ratify: DENIED")):
            digest = str(subject.digest)
            found, out, err = await run(path, arguments(digest), descriptor(digest))
            assert (found, err) == (code, "")
            assert out.startswith(text)
            assert digest in out


async def test_a_large_descriptor_is_passed_on(tmp_path: Path) -> None:
    """Annotations may take more than the buffer of a pipe."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, "application/test")
    large = b'{"digest":"%s","annotations":{"a":"%s"}}' % (subject.digest.encode(), b"a" * 128 * 1024)
    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", judge(store)):
        code, _, _ = await run(path, arguments(str(subject.digest)), large)
        assert code == 0
        code, out, _ = await run(path, arguments(str(subject.digest)), large + b" " * 1024 * 1024)
        assert code == 2
        assert "REQUEST_TOO_LARGE" in out


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"0", 200),
        (b"0 \nallowed", 200),
        (b"00\nallowed", 200),
        (b"3\nallowed", 200),
        (b"allowed\n0\n", 200),
        (b"0\nallowed", 500),
        (b"0\nallowed", 201),
        (b"\xff\xfe", 200),
    ],
)
async def test_what_is_no_answer_is_a_refusal(tmp_path: Path, body: bytes, status: int) -> None:
    """Another status, another code, no text; `0` alone is half of an answer."""
    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", answering(body, status)):
        code, out, err = await run(path, arguments(DIGEST), descriptor(DIGEST))
    assert (code, err) == (2, "")
    assert out.startswith("ratify: UNDECIDED")


async def test_half_of_an_answer_is_a_refusal(tmp_path: Path) -> None:
    """A daemon that is killed while it answers: the length says that something is missing."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n0\nratify: ALLOWED example.com/a"

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole[:-10])
        writer.close()

    server = await asyncio.start_unix_server(half, tmp_path / "node.sock")
    async with server:
        path = written(tmp_path, tmp_path / "node.sock")
        code, out, _ = await run(path, arguments(DIGEST), descriptor(DIGEST))
    assert code == 2
    assert "ended too early" in out


async def test_a_daemon_of_another_user_is_not_believed(tmp_path: Path) -> None:
    """Only root's, and that of the user that the installation names."""
    path = written(tmp_path, tmp_path / "node.sock")
    text = path.read_text()
    path.write_text(text.replace("OWNERS = (0,)", "OWNERS = (4242,)"))
    async with served(tmp_path / "node.sock", answering(b"0\nallowed")):
        code, out, _ = await run(path, arguments(DIGEST), descriptor(DIGEST))
    assert code == 2
    assert f"belongs to the user {os.geteuid()}" in out


async def test_a_user_that_may_not_ask_reads_so(tmp_path: Path) -> None:
    """The daemon's refusal is passed on."""

    class NoPeers(Peers):
        """Admits no process."""

        async def refusal(self, peer: object) -> Rejection | None:
            """Refuse."""
            return await Peers(own=-1).refusal(Peer(1, 4242, 4242))

    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", answering(b"0\nallowed"), NoPeers()):
        code, out, _ = await run(path, arguments(DIGEST), descriptor(DIGEST))
    assert code == 2
    assert "UNAUTHORIZED" in out


async def test_it_gives_up_before_containerd_kills_it(tmp_path: Path) -> None:
    """A daemon that takes the connection and says nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "node.sock")
    async with server:
        path = written(tmp_path, tmp_path / "node.sock", seconds=1.0)
        code, out, _ = await run(path, arguments(DIGEST), descriptor(DIGEST))
    assert code == 2
    assert "[TIMEOUT]" in out
