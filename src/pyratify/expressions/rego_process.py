"""Evaluates a policy in Rego in a process of its own, which is ended when it is late."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from datetime import datetime
from typing import Any

from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego_answer import UNDEFINED
from pyratify.expressions.rego_messages import receive, send

MAX_INPUT = 4 * 1024 * 1024
START = 20.0
"""Seconds that a process may take to start: on a machine under load, an interpreter and an engine take long."""
_WORKER = "pyratify.expressions.rego_worker"
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")


class EngineProcess:
    """Evaluates one query of one policy; asked by one thread after the other.

    Args:
        text: The policy, screened.
        v0: Whether it is in the old syntax.
        query: What is evaluated.
    """

    def __init__(self, text: str, *, v0: bool, query: str) -> None:
        self._policy = json.dumps({"text": text, "v0": v0, "query": query}).encode()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def ask(self, values: Any, seconds: float, now: datetime | None = None) -> object:
        """Return the query's value for an input; UNDEFINED where it has none.

        Args:
            values: The input.
            seconds: How long it may take.
            now: What `time.now_ns` gives, in whole seconds; None for a policy that does not ask for it.

        Raises:
            EvaluationError: It failed, was late or used too much memory, or the input is too large.
        """
        # RFC 8259, section 6: NaN and Infinity are no JSON.
        data = json.dumps(values, allow_nan=False).encode()
        if len(data) > MAX_INPUT:
            raise EvaluationError(f"the input has {len(data)} bytes, more than the {MAX_INPUT} allowed")
        moment = b"" if now is None else str(int(now.timestamp()) * 10**9).encode()
        # Those before each have the same budget, and all of them end.
        with self._lock:
            answer = self._ask(moment + b"\n" + data, seconds)
        if answer.get("undefined") is True:
            return UNDEFINED
        if "value" not in answer:
            raise EvaluationError(f"the policy could not be evaluated: {answer.get('error')}")
        return answer["value"]

    def start(self) -> None:
        """Start the process, so that the first question does not wait for it.

        Raises:
            EvaluationError: It cannot be started.
        """
        with self._lock:
            self._ready()

    def _ask(self, data: bytes, seconds: float) -> dict[str, Any]:
        connection = self._ready()
        try:
            found = _exchange(connection, data, seconds)
        # Before OSError, of which it is a subclass.
        except TimeoutError:
            self._stop()
            raise EvaluationError(f"the policy did not answer within {seconds:g} seconds") from None
        except OSError:
            found = None
        if found is None:
            self._stop()
            raise EvaluationError("the policy used more memory than it may, or its engine failed")
        answer: dict[str, Any] = json.loads(found)
        return answer

    def _ready(self) -> socket.socket:
        if self._connection is not None:
            return self._connection
        try:
            self._connection, process = _spawn()
            # A policy that a reload replaces must not leave its process behind.
            self._end = weakref.finalize(self, _end, self._connection, process)
            ready = _exchange(self._connection, self._policy, START)
        except OSError as error:
            self._stop()
            raise EvaluationError(f"the engine cannot be started: {error}") from None
        if ready is None:
            self._stop()
            raise EvaluationError("the engine cannot be started: it ended at once")
        return self._connection

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._connection = self._end = None


def _spawn() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    ours, theirs = socket.socketpair()
    with theirs:
        # -P: a module in the current folder must not be taken for one of ours. Without the secrets of the environment.
        command = (sys.executable, "-P", "-m", _WORKER, str(theirs.fileno()))
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _ENVIRONMENT or name.startswith("PYTHON")
        }
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program, without a shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=kept,
            )
        except OSError:
            ours.close()
            raise
    return ours, process


def _exchange(connection: socket.socket, data: bytes, seconds: float) -> bytes | None:
    end = time.monotonic() + seconds
    connection.settimeout(seconds)
    send(connection, data)
    # What is left of the time: sending a large input has taken some.
    connection.settimeout(max(end - time.monotonic(), 0.001))
    return receive(connection)


def _end(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    connection.close()
    with suppress(OSError):
        process.kill()
        # Reaped: otherwise each late policy would leave a zombie.
        process.wait()
