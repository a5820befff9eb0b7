"""A closed loop of requests over kept TLS connections, and what it cost the server."""

import os
import socket
import ssl
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PATH = "/ratify/gatekeeper/v2/verify"


@dataclass(frozen=True)
class Cost:
    """What a run cost.

    Attributes:
        cpu: Seconds of the server's CPU for one request.
        p50: The median of the seconds that one request took.
        p99: The 99th percentile of these.
    """

    cpu: float
    p50: float
    p99: float


class Connection:
    """One kept connection to a server on loopback.

    Args:
        address: `host:port`.
    """

    def __init__(self, address: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host, _, port = address.rpartition(":")
        self._socket = context.wrap_socket(socket.create_connection((host, int(port)), timeout=60))

    def post(self, body: bytes) -> bytes:
        """Return the body of the answer to a POST."""
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        fields = data[:end].lower().split(b"\r\n")
        length = next(int(field[15:]) for field in fields if field.startswith(b"content-length:"))
        while len(data) < end + 4 + length:
            data += self._more()
        return bytes(data[end + 4 :])

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise RuntimeError("the server hung up")
        return data


def cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used, of user and system together."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int, *, peak: bool = False) -> float:
    """Return the MiB of memory resident now, or at most so far."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(wanted)) / 1024


def load(address: str, pid: int, bodies: Sequence[bytes], count: int, connections: int = 4) -> Cost:
    """Send that many requests over that many connections, each of which begins elsewhere in the bodies, and measure."""
    opened = [Connection(address) for _ in range(connections)]
    turns = [bodies[i * len(bodies) // connections :] for i in range(connections)]
    turns = [[*turn, *bodies[: len(bodies) - len(turn)]] for turn in turns]
    try:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(partial(_send, count=min(20, count)), opened, turns))
            before = cpu(pid)
            taken = list(pool.map(partial(_send, count=count // connections), opened, turns))
            used = cpu(pid) - before
    finally:
        for each in opened:
            each.close()
    times = sorted(seconds for one in taken for seconds in one)
    return Cost(used / len(times), statistics.median(times), times[int(len(times) * 0.99)])


def _send(connection: Connection, bodies: Sequence[bytes], count: int) -> list[float]:
    taken = []
    for number in range(count):
        start = time.perf_counter()
        answer = connection.post(bodies[number % len(bodies)])
        taken.append(time.perf_counter() - start)
        if b'"error"' in answer or b'"succeeded":false' in answer:
            raise RuntimeError(f"refused: {answer[:300]!r}")
    return taken
