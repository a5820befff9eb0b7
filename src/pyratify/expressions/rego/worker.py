"""The program of the process that evaluates one policy in Rego: asked over sockets, one question at a time, and ended with them.

A process of its own, because the engine holds the interpreter while it evaluates, counts no work and bounds no memory. Messages are JSON
behind their length in four bytes. The first is the policy; each further one is a time and, behind a line break, an input, and its answer
the engine's results, or why there are none (`question.py`).
"""

import json
import resource
import select
import socket
import sys
from typing import Any

from pyratify.expressions.rego.engine import evaluate, make_engine, sentence
from pyratify.expressions.rego.messages import FAILED, receive, send

_MEMORY = 1024 * 1024 * 1024


def main() -> None:
    """Serve the sockets whose numbers are the program's arguments until the other end of one is closed."""
    # What grows without end is ended by the system, and the policy denies.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    # A core dump would write reports and policy to the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connections = {int(number): socket.socket(fileno=int(number)) for number in sys.argv[1:]}
    waiting = select.poll()
    for number in connections:
        waiting.register(number, select.POLLIN)
    engine: Any = None
    query = ""
    while True:
        for number, _ in waiting.poll():
            connection = connections[number]
            data = receive(connection)
            if data is None:
                return
            if engine is None:
                policy = json.loads(data)
                engine, query = make_engine("policy", policy["text"], v0=policy["v0"]), policy["query"]
                send(connection, b"{}")
            else:
                send(connection, _answer(engine, query, data))


def _answer(engine: Any, query: str, data: bytes) -> bytes:
    now, _, given = data.partition(b"\n")
    try:
        return evaluate(engine, query, given.decode(), int(now) if now else None).encode()
    # A panic of the engine is no Exception; the process ends with the next one at the latest.
    except BaseException as error:  # noqa: BLE001
        return FAILED + sentence(str(error)).encode()


if __name__ == "__main__":
    main()
