"""A client that asks one question again and again over a kept connection, as Gatekeeper does, in a process of its own.

`python -m bench.honest ADDRESS PID` reads the question from the first line of its input, asks it until the input ends, and prints what it
saw. In the process that sends hostile requests it would measure how busy that process is.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.load import Connection

_EVERY = 0.02


class Asked(NamedTuple):
    """One question.

    Attributes:
        seconds: Until it had its answer.
        waited: For how many of them a thread could have run and had no core: the server's event loop, or the client.
        allowed: Whether it was allowed.
    """

    seconds: float
    waited: float
    allowed: bool


@dataclass
class Honest:
    """What the client has seen; empty until it has ended."""

    asked: list[Asked] = field(default_factory=list)


@contextmanager
def asking(address: str, pid: int, question: bytes) -> Iterator[Honest]:
    """Have the client ask while the context is open; at its end what it has seen is there."""
    command = (sys.executable, "-m", "bench.honest", address, str(pid))
    found = Honest()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(question + b"\n")
        process.stdin.flush()
        process.stdout.readline()  # it has begun
        yield found
        process.stdin.close()
        found.asked.extend(Asked(*each) for each in json.loads(process.stdout.read()))


def _ask(address: str, pid: int) -> list[Asked]:
    question, connection = sys.stdin.buffer.readline().rstrip(b"\n"), Connection(address)
    connection.post(question)
    print(flush=True)
    found = []
    while not select.select([sys.stdin], [], [], _EVERY)[0]:
        before, began = (_waited(pid), _waited("self")), time.perf_counter()
        answer = connection.post(question)
        seconds, after = time.perf_counter() - began, (_waited(pid), _waited("self"))
        # The longer of both: they may have waited at the same time.
        waited = max(late - early for late, early in zip(after, before, strict=True))
        found.append(Asked(seconds, min(seconds, waited), b'"succeeded":true' in answer))
    return found


def _waited(pid: int | str) -> float:
    """Return the seconds that the main thread of a process has waited for a core (`sched-stats.rst` of Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


if __name__ == "__main__":
    print(json.dumps(_ask(sys.argv[1], int(sys.argv[2]))))
