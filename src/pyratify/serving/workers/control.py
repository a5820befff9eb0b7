"""The protocol of supervisor and worker, over a pair of sockets: requests are lines, reports are lines of JSON."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.serving.telemetry.aggregate import Family

VARIABLE = "RATIFY_WORKER"
STATE, METRICS = b"state\n", b"metrics\n"
MAX_LINE = 16 * 1024 * 1024
_CLOSING_SECONDS, _CHUNK = 0.8, 1024  # less than the second that `isolation.end` waits
_ENCODER = msgspec.json.Encoder()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a worker.

    Attributes:
        serving: Whether it has begun to serve.
        faults: The reasons not to be ready, by name of the check; empty when the worker is ready.
        families: Its metrics; empty unless they were requested.
    """

    serving: bool
    faults: dict[str, str]
    families: tuple[Family, ...] = ()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker inherits from its supervisor.

    Attributes:
        number: The worker's number, from 0.
        control: The connection to the supervisor.
        sockets: The listening sockets.
    """

    number: int
    control: socket.socket
    sockets: tuple[socket.socket, ...]


def inherit() -> Inherited | None:
    """Return what this process inherits from a supervisor; None without one. Its own children inherit nothing of it.

    Raises:
        ConfigurationError: The variable was not set by a supervisor.
    """
    # Removed: a child with the variable would take its own descriptors for these sockets.
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return None
    try:
        number, control, *rest = map(int, text.split(","))
        sockets = [socket.socket(fileno=descriptor) for descriptor in (control, *rest)]
    except (OSError, ValueError):
        raise ConfigurationError(
            f"{VARIABLE} is {text[:40]!a}, which no supervisor sets", remedy="Unset it."
        ) from None
    for one in sockets:
        # A program that a plugin starts would keep the address in use after the server's end.
        one.set_inheritable(False)
        one.setblocking(False)
    return Inherited(number, sockets[0], tuple(sockets[1:]))


def handed(number: int, control: socket.socket, sockets: tuple[socket.socket, ...]) -> str:
    """Return the value of the variable that `inherit` reads."""
    return ",".join(str(value) for value in (number, control.fileno(), *(one.fileno() for one in sockets)))


def parse_report(line: bytes) -> Report:
    """Parse one line.

    Raises:
        ValueError: It is no report.
    """
    return msgspec.json.decode(line, type=Report)


async def answer(control: socket.socket, report: Callable[[bool], Report], gone: Callable[[], None]) -> None:
    """Answer the supervisor until it is gone, and send a last report when cancelled.

    Args:
        control: The connection to the supervisor.
        report: Returns this worker's report; its argument is whether metrics are wanted.
        gone: Called when the supervisor is gone.
    """
    reader, writer = await asyncio.open_connection(sock=control)
    try:
        # No limit is needed here: the supervisor is the parent, and sends two fixed words.
        while line := await reader.readline():
            writer.write(_ENCODER.encode(report(line == METRICS)) + b"\n")
            await writer.drain()
        gone()
    except ConnectionError:
        gone()
    finally:
        # Metrics come with the end, so that nothing that was counted since the last report is lost.
        writer.write(_ENCODER.encode(report(True)) + b"\n")
        await _close(reader, writer)


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close a connection so that its last report arrives.

    A local socket that is closed with unread requests resets the connection (unix(7)), and what the other end has not read yet
    is lost. So our direction is ended first, and the requests that are left are read until the supervisor has closed its own.
    """
    with suppress(OSError, RuntimeError, TimeoutError):  # RuntimeError: uvloop, when the connection is gone
        async with asyncio.timeout(_CLOSING_SECONDS):
            writer.write_eof()
            while await reader.read(_CHUNK):
                pass
    writer.close()
