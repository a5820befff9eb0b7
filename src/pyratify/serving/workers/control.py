"""What supervisor and worker say to each other, over a pair of sockets: the one asks in lines, the other reports in lines of JSON."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.serving.telemetry.aggregate import Family

VARIABLE = "RATIFY_WORKER"
STATE, METRICS = b"state\n", b"metrics\n"
MAX_LINE = 16 * 1024 * 1024
_ENCODER = msgspec.json.Encoder()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker is.

    Attributes:
        serving: Whether it has begun to serve.
        faults: Why it is not ready, by name; empty when it is.
        families: What it has measured; empty where nobody asked.
    """

    serving: bool
    faults: dict[str, str]
    families: tuple[Family, ...] = ()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker has from its supervisor.

    Attributes:
        number: Which of the workers it is.
        control: The connection to the supervisor.
        sockets: Where it serves.
    """

    number: int
    control: socket.socket
    sockets: tuple[socket.socket, ...]


def inherit() -> Inherited | None:
    """Return what this process has from a supervisor; None where it has none. Its own children inherit nothing of it.

    Raises:
        ConfigurationError: The variable is set by somebody else.
    """
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return None
    try:
        number, control, *rest = map(int, text.split(","))
        sockets = [socket.socket(fileno=descriptor) for descriptor in (control, *rest)]
    except (OSError, ValueError):
        raise ConfigurationError(f"{VARIABLE} is not for you to set", remedy="Unset it.") from None
    for one in sockets:
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
    """Answer the supervisor until it is gone, and with a last report when cancelled.

    Args:
        control: The connection to the supervisor.
        report: Says how this worker is; told whether metrics are wanted.
        gone: Told that there is no supervisor any more.
    """
    reader, writer = await asyncio.open_connection(sock=control)
    try:
        while line := await reader.readline():
            writer.write(_ENCODER.encode(report(line == METRICS)) + b"\n")
            await writer.drain()
        gone()
    except ConnectionError:
        gone()
    finally:
        writer.write(_ENCODER.encode(report(True)) + b"\n")
        writer.close()
