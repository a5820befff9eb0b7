"""Docker, asked over its socket as `docker pull` and `docker create` do."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pyratify.core.limits import MIB
from pyratify.core.reference import Reference
from pyratify.entrypoints.prove.door import Offer, passed, refused, unknown

_MARK = "authorization denied by plugin"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DockerPullDoor:
    """`docker pull`.

    Attributes:
        socket: Docker's socket.
        name: What it is called in the report.
    """

    socket: str
    name: str = "docker pull"

    async def offer(self, reference: Reference) -> Offer:
        """Pull the image, and remove it where it came."""
        target = f"/images/create?fromImage={quote(reference.name, safe='')}&tag={quote(str(reference.digest), safe='')}"
        try:
            status, text = await asked(self.socket, "POST", target)
            if status != 200:
                return refused(text, _MARK)
            # The status is sent before the pull: errors come as messages.
            if "errorDetail" in text:
                return unknown(text[-300:])
            await asked(self.socket, "DELETE", f"/images/{quote(str(reference), safe='')}")
        except (OSError, ValueError) as error:
            return unknown(f"{self.socket}: {error}")
        return passed("it was pulled")


@dataclass(frozen=True, slots=True)
class DockerCreateDoor:
    """`docker create`.

    Attributes:
        socket: Docker's socket.
        name: What it is called in the report.
    """

    socket: str
    name: str = "docker create"

    async def offer(self, reference: Reference) -> Offer:
        """Create a container, and remove it where it came."""
        try:
            status, text = await asked(
                self.socket, "POST", "/containers/create", {"Image": str(reference), "Cmd": ["/none"]}
            )
            # Docker looks for the image only after its plugins have let the request through.
            if status == 404:
                return passed(f"no plugin refused it: {text}")
            if status != 201:
                return refused(text, _MARK)
            await asked(
                self.socket, "DELETE", f"/containers/{quote(json.loads(text)['Id'], safe='')}?force=1"
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            return unknown(f"{self.socket}: {error}")
        return passed("a container was created")


async def asked(socket: str, method: str, target: str, body: Any = None) -> tuple[int, str]:
    """Return the status and the text of Docker's answer.

    Raises:
        OSError: It does not answer, or not in time.
        ValueError: What it answers is no HTTP.
    """
    data = b"" if body is None else json.dumps(body).encode()
    # HTTP/1.0: the answer ends with the connection, and has no chunks.
    head = f"{method} {target} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    async with asyncio.timeout(_SECONDS):
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(head.encode("ascii") + data)
            found = bytearray()
            while len(found) < MIB and (chunk := await reader.read(65536)):
                found += chunk
        finally:
            writer.close()
    first, _, text = bytes(found).partition(b"\r\n\r\n")
    return int(first.split(b" ", 2)[1]), text.decode(errors="replace")
