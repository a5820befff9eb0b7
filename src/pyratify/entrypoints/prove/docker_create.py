"""Docker, asked over its socket as `docker pull` and `docker create` do."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

from pyratify.core.dataclass import dataclass
from pyratify.core.limits import MIB
from pyratify.core.reference import Reference
from pyratify.entrypoints.prove.enforcement_point import Offer, passed, refused, unknown

_MARK = "authorization denied by plugin"  # moby, pkg/authorization
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DockerCreate:
    """`docker create`, which pulls an image that is not there and then tries again.

    Attributes:
        socket: Docker's socket.
        name: What it is called in the report.
    """

    socket: str
    name: str = "docker create"

    async def offer(self, reference: Reference) -> Offer:
        """Create a container, and remove it and what was pulled for it."""
        try:
            # Docker asks its plugins first and looks for the image then.
            if (found := await self._create(reference)) is not None:
                return found
            found = await self._pull(reference) or await self._create(reference)
            await asked(self.socket, "DELETE", f"/images/{quote(str(reference), safe='')}")
            return found or unknown("the image was pulled, and is not there")
        except (OSError, ValueError, KeyError, TypeError) as error:
            return unknown(f"{self.socket}: {error}")

    async def _create(self, reference: Reference) -> Offer | None:
        """Return what came of a creation; None where the image is not there."""
        body = {"Image": str(reference), "Cmd": ["/none"]}
        status, text = await asked(self.socket, "POST", "/containers/create", body)
        if status == 404:
            return None
        if status != 201:
            return refused(text, _MARK)
        await asked(self.socket, "DELETE", f"/containers/{quote(json.loads(text)['Id'], safe='')}?force=1")
        return passed("a container was created")

    async def _pull(self, reference: Reference) -> Offer | None:
        """Return what kept the image from being pulled; None where it came."""
        target = f"/images/create?fromImage={quote(reference.name, safe='')}&tag={quote(str(reference.digest), safe='')}"
        status, text = await asked(self.socket, "POST", target)
        if status != 200:
            return refused(text, _MARK)
        # The status is sent before the pull: errors come as messages.
        return unknown(text[-300:]) if "errorDetail" in text else None


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
