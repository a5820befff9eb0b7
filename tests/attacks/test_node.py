"""Attacks on a node: what containerd runs in odd circumstances, names and digests that differ, and many pulls at once."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.config.schema import NodeConfig
from pyratify.core.digest import Digest
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.containerd.containerd_site import PATH, containerd_site
from pyratify.serving.http.routes import Request
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.nodes import NAME, arguments, body, descriptor, judge, run, served, written
from support.providers import signed
from support.scenes import signed_by_annotation

DIGEST = str(Digest.of(b"image"))
GOOD = arguments(DIGEST)


def chmod(path: Path, mode: int) -> None:
    """Set the mode of a file of the test."""
    path.chmod(mode)


@pytest.mark.parametrize(
    ("given", "stdin"),
    [
        ((), descriptor(DIGEST)),
        (GOOD[:4], descriptor(DIGEST)),
        (GOOD[:-1], descriptor(DIGEST)),
        ((*GOOD, "-name", NAME), descriptor(DIGEST)),
        (("-name", NAME, "-digest", DIGEST, "-digest", DIGEST), descriptor(DIGEST)),
        (("--help",), b""),
        (GOOD, b""),
        (GOOD, b"not JSON"),
        (GOOD, descriptor(str(Digest.of(b"other")))),
        (arguments(DIGEST, "a\n" + NAME), descriptor(DIGEST)),
        (arguments(DIGEST, "\udcff"), descriptor(DIGEST)),
    ],
    ids=str,
)
async def test_atk_276_what_is_no_question_is_refused(
    tmp_path: Path, given: tuple[str, ...], stdin: bytes
) -> None:
    """Even where every image would be allowed: exit code 2 and a sentence, never 0."""
    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", judge(signed())):
        code, out, err = await run(path, given, stdin)
    assert (code, err) == (2, "")
    assert out.startswith("ratify: UNDECIDED")


@pytest.mark.parametrize("place", ["nothing", "file", "folder", "stale", "link"])
async def test_atk_276_a_socket_that_is_no_daemon_refuses(tmp_path: Path, place: str) -> None:
    """Absent, dead, or replaced by another kind of file."""
    where = tmp_path / "node.sock"
    if place == "file":
        where.write_text("0\nallowed")
    elif place == "folder":
        where.mkdir()
    elif place == "link":
        where.symlink_to(tmp_path / "nowhere")
    elif place == "stale":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(where))
    code, out, err = await run(written(tmp_path, where), GOOD, descriptor(DIGEST))
    assert (code, err) == (2, "")
    assert str(where) in out


@pytest.mark.parametrize("closed", [0, 1, 2])
async def test_atk_276_closed_descriptors_let_nothing_through(tmp_path: Path, closed: int) -> None:
    """Of standard input, output and error; without an input there is no question, without a daemon no answer."""
    path = written(tmp_path, tmp_path / "node.sock")

    def started() -> int:
        command = ["sh", "-c", f'exec "$0" "$@" {closed}>&-', str(path), *GOOD]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode

    async with served(tmp_path / "node.sock", judge(MemoryStore())):
        assert await asyncio.to_thread(started) != 0
    assert await asyncio.to_thread(started) != 0


async def test_atk_276_without_a_configuration_everything_is_refused(tmp_path: Path) -> None:
    """Absent or wrong: also in a process of its own."""
    subject = signed().add_image()
    async with served(tmp_path / "node.sock", judge(None)):
        path = written(tmp_path, tmp_path / "node.sock")
        code, out, _ = await run(path, arguments(str(subject.digest)), descriptor(str(subject.digest)))
    assert (code, "[NO_EXECUTOR]" in out) == (2, True)
    path = written(tmp_path, tmp_path / "node.sock", fallback=str(tmp_path / "absent.yaml"))
    code, out, _ = await run(path, arguments(str(subject.digest)), descriptor(str(subject.digest)))
    assert (code, "ratify: UNDECIDED" in out) == (2, True)


async def test_atk_277_the_digest_is_verified_and_not_the_name(tmp_path: Path) -> None:
    """A name whose tag leads to a signed image, with the digest of an unsigned one; and two images under one name."""
    store = MemoryStore()
    good, bad = store.add_image("signed"), store.add_image("unsigned", b"bad")
    store.attach(good, "application/test", annotations={"signers": "alice"})
    path = written(tmp_path, tmp_path / "node.sock")
    name = "example.com/app:signed"
    async with served(tmp_path / "node.sock", judge(store, signed_by_annotation())):
        for subject, code in ((good, 0), (bad, 1), (good, 0)):
            digest = str(subject.digest)
            found, out, _ = await run(path, arguments(digest, name), descriptor(digest))
            assert found == code
            assert f"example.com/app:signed@{digest}" in out
        digest, other = str(bad.digest), str(good.digest)
        # The name has the digest of the signed image, and so has standard input.
        found, _, _ = await run(path, arguments(digest, f"{name}@{other}"), descriptor(digest))
        assert found == 2
        found, _, _ = await run(path, arguments(digest, name), descriptor(other))
        assert found == 2


async def test_atk_279_the_environment_and_folder_of_containerd_say_nothing(tmp_path: Path) -> None:
    """Modules, start-up files and settings of Python that containerd's environment or folder hold are not read."""
    (tmp_path / "socket.py").write_text("import sys; sys.exit(0)")
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.exit(0)")
    path = written(tmp_path, tmp_path / "node.sock")
    code, out, _ = await run(
        path,
        GOOD,
        descriptor(DIGEST),
        PYTHONPATH=str(tmp_path),
        PYTHONSTARTUP=str(tmp_path / "socket.py"),
        PYTHONHOME=str(tmp_path),
        PYTHONINSPECT="1",
        RATIFY_CONFIG=str(tmp_path),
    )
    assert code == 2
    assert "no daemon listens" in out


async def test_atk_279_the_fallback_gets_a_clean_environment(tmp_path: Path) -> None:
    """A process in place of the daemon sees neither containerd's variables nor its folder; standard input is unread."""
    path = written(tmp_path, tmp_path / "node.sock")
    shown = "import os,sys; print(sorted(os.environ), os.getcwd(), sys.stdin.read().strip())"
    text = path.read_text()
    path.write_text(
        text.replace("WITHOUT_DAEMON = ()", f"WITHOUT_DAEMON = ({sys.executable!r}, '-c', {shown!r})")
    )
    code, out, _ = await run(path, GOOD, descriptor(DIGEST), REGISTRY_PASSWORD="secret")
    assert code == 0
    assert out.split()[:4] == ["['HOME',", "'LANG',", "'PATH']", "/"]
    assert DIGEST in out


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="another user is needed, and only root becomes one",
)
async def test_atk_276_another_user_is_not_answered() -> None:
    """Whatever the mode of the socket: the kernel says which user asks. And such a user's own daemon is not believed."""
    store = signed()
    subject = await store.resolve(Reference.parse(NAME))
    digest = str(subject.digest)
    other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chmod(folder, 0o755)
        path = written(folder, folder / "node.sock")
        async with served(folder / "node.sock", judge(store)):
            chmod(folder / "node.sock", 0o666)
            assert (await run(path, arguments(digest), descriptor(digest)))[0] == 0
            code, out, _ = await run(
                Path(other[0]), (*other[1:], str(path), *arguments(digest)), descriptor(digest)
            )
            assert (code, "UNAUTHORIZED" in out) == (2, True)
        chmod(folder, 0o777)
        script = (
            "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('node.sock')\ns.listen()\nprint(flush=True)\n"
            "c, _ = s.accept()\nc.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\n0\\nallowed')"
        )
        forged = await asyncio.create_subprocess_exec(
            *other, "/usr/bin/python3", "-c", script, cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        assert forged.stdout is not None
        await forged.stdout.readline()
        code, out, _ = await run(path, arguments(digest), descriptor(digest))
        assert (code, "belongs to the user 65534" in out) == (2, True)
        await forged.wait()


async def test_atk_276_a_thousand_pulls_at_once_are_one_evaluation() -> None:
    """All of them are answered, and the registry is asked once."""
    store, asked = signed(), []

    async def does(evidence: object) -> object:
        asked.append(evidence)
        return await FakeVerifier().verify(evidence)  # type: ignore[arg-type]

    subject = await store.resolve(Reference.parse(NAME))
    one = judge(store, FakeVerifier(does=does))  # type: ignore[arg-type]
    handler = containerd_site(one).routes["POST", PATH]
    replies = await asyncio.gather(*(handler(Request(body=body(subject))) for _ in range(1000)))
    assert {reply.body[:2] for reply in replies} == {b"0\n"}
    assert len(asked) == 1


async def test_atk_276_a_thousand_connections_at_once_are_all_answered(tmp_path: Path) -> None:
    """Through the socket: none is lost or refused, and none is allowed that should not be."""
    store = signed()
    subject = await store.resolve(Reference.parse(NAME))
    questions = (body(subject), body(subject, digest=DIGEST))
    where = tmp_path / "node.sock"

    async def asked(question: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(where)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: {len(question)}\r\n\r\n"
        )
        writer.write(head.encode() + question)
        found = await reader.read()
        writer.close()
        return found.partition(b"\r\n\r\n")[2][:2]

    async with served(where, judge(store)):
        codes = await asyncio.gather(*(asked(questions[number % 2]) for number in range(1000)))
    assert codes == [b"0\n", b"2\n"] * 500


@pytest.mark.parametrize(
    "parts",
    [
        ({"codes": ("SIG_INVALID",)}, {"namespaces": ("team",)}),
        ({"images": ("example.com/other",)}, {"codes": ("TIMEOUT",)}),
    ],
)
async def test_atk_119_exceptions_of_a_node_never_add_up(parts: tuple[dict[str, Any], ...]) -> None:
    """One has to cover image, namespace and reason by itself."""
    common = {
        "images": ("example.com/app",),
        "until": "2026-06-02T00:00:00Z",
        "reason": "later",
        "approvedBy": "sec",
    }
    written = [{**common, "name": f"e{number}", **each} for number, each in enumerate(parts)]
    store = MemoryStore()
    image = store.add_image()
    one = judge(store, node=msgspec.convert({"exceptions": written}, NodeConfig))
    assert not (await one.judge(Reference.parse("example.com/app:v1").at(image.digest), 5.0)).allowed
    whole = msgspec.convert({"exceptions": [{**common, "name": "whole"}]}, NodeConfig)
    one = judge(store, node=whole)
    assert (await one.judge(Reference.parse("example.com/app:v1").at(image.digest), 5.0)).allowed
