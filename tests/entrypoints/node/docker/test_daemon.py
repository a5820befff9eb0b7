"""What the Docker daemon is asked over its socket, and what it may answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.daemon import DockerDaemon, LocalImage

DIGEST = "sha256:" + "b" * 64


class Served:
    """A daemon at a socket that gives one answer.

    Attributes:
        daemon: What asks it.
        asked: The request lines that came.
    """

    def __init__(self, path: Path) -> None:
        self.daemon, self.asked = DockerDaemon(path), list[str]()


@asynccontextmanager
async def answering(folder: Path, document: object, status: int = 200) -> AsyncIterator[Served]:
    """Serve a document, or bytes as they are, until the end of the block."""
    served = Served(folder / "docker.sock")
    body = b"" if isinstance(document, bytes) else json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")[0])
        writer.write(document if isinstance(document, bytes) else head + body)
        writer.close()

    async with await asyncio.start_unix_server(answer, served.daemon.path):
        yield served


async def test_an_image_has_the_digests_of_its_repositories(tmp_path: Path) -> None:
    """What is no reference by digest is left out."""
    digests = [f"r.io/app@{DIGEST}", "<none>@<none>", "r.io/app:v1", f"app@{DIGEST}"]
    async with answering(tmp_path, {"Id": "sha256:i", "RepoDigests": digests}) as served:
        found = await served.daemon.image("r.io/app:v1")
    assert found == LocalImage("sha256:i", tuple(map(Reference.parse, (digests[0], digests[3]))))
    assert served.asked == ["GET /images/r.io/app:v1/json HTTP/1.1"]


@pytest.mark.parametrize("digests", [None, []])
async def test_an_image_may_have_none(tmp_path: Path, digests: object) -> None:
    """As one that was built here."""
    async with answering(tmp_path, {"Id": "sha256:i", "RepoDigests": digests}) as served:
        assert await served.daemon.image(DIGEST) == LocalImage("sha256:i", ())


async def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    """404 for an image, a container or a service."""
    async with answering(tmp_path, {"message": "No such image"}, 404) as served:
        assert await served.daemon.image("app") is None
        assert await served.daemon.container_image("web") is None
        assert await served.daemon.previous_images("web") is None


async def test_a_container_has_an_image(tmp_path: Path) -> None:
    """Its name may have the slash before it."""
    async with answering(tmp_path, {"Image": DIGEST}) as served:
        assert await served.daemon.container_image("/web") == DIGEST
    assert served.asked == ["GET /containers/web/json HTTP/1.1"]


async def test_a_service_has_the_images_before(tmp_path: Path) -> None:
    """None where it was never changed; then the daemon refuses the rollback itself."""
    spec = {"TaskTemplate": {"ContainerSpec": {"Image": "app"}}}
    async with answering(tmp_path, {"PreviousSpec": spec}) as served:
        assert await served.daemon.previous_images("web") == ("app",)
    (tmp_path / "docker.sock").unlink(missing_ok=True)
    async with answering(tmp_path, {}) as served:
        assert await served.daemon.previous_images("web") == ()
    (tmp_path / "docker.sock").unlink(missing_ok=True)
    async with answering(tmp_path, {"PreviousSpec": [spec]}) as served:
        with pytest.raises(RatifyError, match="PreviousSpec"):
            await served.daemon.previous_images("web")


@pytest.mark.parametrize(
    "answer",
    [
        {"Id": ""},
        {"Id": "x", "RepoDigests": "y"},
        [],
        b"no http",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"Id": "a", "Id": "b"}',
    ],
)
async def test_another_answer_is_none(tmp_path: Path, answer: object) -> None:
    """Refused, with the daemon's socket in the message."""
    async with answering(tmp_path, answer) as served:
        with pytest.raises(RatifyError) as caught:
            await served.daemon.image("app")
    assert caught.value.reason is Reason.RUNTIME_UNREACHABLE
    assert str(served.daemon.path) in caught.value.message


async def test_a_daemon_that_is_down_cannot_be_asked(tmp_path: Path) -> None:
    """No socket, or none that anything listens at."""
    with pytest.raises(RatifyError) as caught:
        await DockerDaemon(tmp_path / "absent.sock").image("app")
    assert caught.value.reason is Reason.RUNTIME_UNREACHABLE


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../containers/x",
        "a/../b",
        "a//b",
        "/a",
        "a?b=c",
        "a%2fb",
        "a b",
        "a\r\nX: y",
        "a" * 2000,
        ".",
        "é",
        "a/.",
    ],
)
async def test_a_name_leads_to_no_other_path(tmp_path: Path, name: str) -> None:
    """It is refused before anything is asked."""
    async with answering(tmp_path, {"Id": "x"}) as served:
        with pytest.raises(RatifyError) as caught:
            await served.daemon.image(name)
        assert caught.value.reason is Reason.BAD_REQUEST
    assert not served.asked
