"""What the Docker daemon knows of its images, containers and services, asked over its own socket."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InvalidReference, RatifyError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.bodies import specified_images
from pyratify.entrypoints.node.docker.target import bad
from pyratify.http.http1 import Reader
from pyratify.http.transport import Request, Response
from pyratify.http.url import Url

T = TypeVar("T")
_MAX_ANSWER = MIB
_CHUNK = 64 * 1024
# Names, references and identifiers; no segment that would lead to another path of the API.
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.:@+-]+"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*", re.ASCII)
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that the daemon has.

    Attributes:
        identifier: Its identifier, a digest.
        references: Where it was pulled from, or pushed to, by digest.
    """

    identifier: str
    references: tuple[Reference, ...]


class Inventory(Protocol):
    """What a daemon has; what it does not have is None.

    All methods raise `RatifyError`: `RUNTIME_UNREACHABLE`, or `BAD_REQUEST` for what is no name.
    """

    async def image(self, name: str) -> LocalImage | None:
        """Return the image that the daemon would run by this name, reference or identifier."""
        ...

    async def container_image(self, container: str) -> str | None:
        """Return the identifier of the image that a container was made of."""
        ...

    async def previous_images(self, service: str) -> tuple[str, ...] | None:
        """Return the images of the specification that a rollback of this service returns to."""
        ...


@dataclass(frozen=True, slots=True)
class DockerDaemon:
    """The daemon at a unix socket.

    These requests pass the daemon's authorization plugins themselves; they only read, so that no answer waits for itself.

    Attributes:
        path: The socket.
    """

    path: Path

    async def image(self, name: str) -> LocalImage | None:
        """As in `Inventory`."""
        return await self._ask(f"/images/{_part(name)}/json", _local_image)

    async def container_image(self, container: str) -> str | None:
        """As in `Inventory`."""
        # A name may be written with the slash that the daemon puts before it.
        return await self._ask(f"/containers/{_part(container.removeprefix('/'))}/json", _identifier_of)

    async def previous_images(self, service: str) -> tuple[str, ...] | None:
        """As in `Inventory`."""
        return await self._ask(f"/services/{_part(service)}", _previous)

    async def _ask(self, path: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        # Without a version: each daemon then answers in its own newest one (Docker Engine API, Versioning).
        url = Url.parse(f"http://docker{path}")
        try:
            response = await self._exchange(Request(url, _MAX_ANSWER))
            if response.status == 404:
                return None
            if response.status != 200:
                raise self._unreachable(f"{url.target} answered {response.status}")
            return read(strictjson.load_object(response.body, what="the Docker daemon's answer"))
        except OSError as error:
            raise self._unreachable(error.strerror or type(error).__name__) from None
        except RatifyError as error:
            # OPERATION_REFUSED is a decision on the service's specification, not a fault of the daemon.
            if error.reason in (Reason.RUNTIME_UNREACHABLE, Reason.OPERATION_REFUSED):
                raise
            raise self._unreachable(error.message) from None

    async def _exchange(self, request: Request) -> Response:
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            head = f"GET {request.url.target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("ascii"))
            answer = Reader(request)
            while chunk := await reader.read(_CHUNK):
                if (response := answer.feed(chunk)) is not None:
                    return response
            return answer.end()
        finally:
            writer.close()  # not waited for: the kernel closes it

    def _unreachable(self, why: str) -> RatifyError:
        return RatifyError(
            Reason.RUNTIME_UNREACHABLE, f"the Docker daemon at {self.path} could not be asked: {why}"
        )


def _part(name: str) -> str:
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise bad(f"{name[:80]!a} is no name of an image or a container")
    return quote(name, safe="/:@+")


def _local_image(document: Mapping[str, Any]) -> LocalImage:
    digests = document.get("RepoDigests") or ()
    if not isinstance(digests, list | tuple):
        raise bad("RepoDigests is no list")
    return LocalImage(_text(document, "Id"), tuple(filter(None, map(_reference, digests))))


def _reference(text: object) -> Reference | None:
    try:
        found = Reference.parse(str(text))
    except InvalidReference:
        return None  # `<none>@<none>` of older daemons
    return None if found.digest is None else found.at(found.digest)


def _identifier_of(document: Mapping[str, Any]) -> str:
    return _text(document, "Image")


def _previous(document: Mapping[str, Any]) -> tuple[str, ...]:
    found = document.get("PreviousSpec")
    # Without one the daemon refuses the rollback itself.
    if found is None:
        return ()
    if not isinstance(found, dict):
        raise bad("PreviousSpec is no object")
    return specified_images(found)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise bad(f"the answer has no {name}")
    return value
