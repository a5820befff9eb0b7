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
from functools import partial
from typing import Any

from pyratify.core.decision import in_thread
from pyratify.core.offload import offload
from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.connection import AsyncConnection
from pyratify.expressions.rego.messages import receive, send
from pyratify.expressions.rego.question import decode_answer, encode_question

START = 20.0
"""Seconds that a process may take to start: on a machine under load, an interpreter and an engine take long."""
_WORKER = "pyratify.expressions.rego.worker"
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")


class EngineProcess:
    """Evaluates one query of one policy; asked one question after the other.

    Args:
        text: The policy, screened.
        v0: Whether it is in the old syntax.
        query: What is evaluated.
    """

    def __init__(self, text: str, *, v0: bool, query: str) -> None:
        self._policy = json.dumps({"text": text, "v0": v0, "query": query}).encode()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._async: AsyncConnection | None = None
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
        return decode_answer(self._ask(encode_question(values, now), seconds))

    async def ask_async(self, values: Any, seconds: float, now: datetime | None = None) -> object:
        """As `ask`, and without the way through a thread where the process is there and not asked something else.

        Raises:
            EvaluationError: As in `ask`.
            LateError: No thread was free, or those before it took too long.
        """
        question = encode_question(values, now)
        answer = await self._ask_here(question, seconds)
        # To wait for its turn, or for the process to start, would hold the event loop.
        if answer is None:
            answer = await in_thread(partial(self._ask, question, seconds), seconds + START)
        return await offload(len(answer), decode_answer, answer)

    def start(self) -> None:
        """Start the process, so that the first question does not wait for it.

        Raises:
            EvaluationError: It cannot be started.
        """
        with self._lock:
            self._ready()

    def _ask(self, question: bytes, seconds: float) -> bytes:
        # Those before each have the same budget, and all of them end; bounded, as one may wait for this very thread.
        if not self._lock.acquire(timeout=seconds + START):
            raise EvaluationError(f"the engine had other questions for {seconds + START:g} seconds")
        try:
            return _exchange(self._ready(), question, seconds)
        except BaseException as error:  # noqa: BLE001 - as below; an interrupt of the keyboard, too
            raise self._ended(error, seconds) from None
        finally:
            self._lock.release()

    async def _ask_here(self, question: bytes, seconds: float) -> bytes | None:
        """Return the answer; None where a thread or another event loop asks something, or the process has to be started."""
        connection = self._async
        if connection is None or not connection.attach():
            return None
        async with connection.turn:
            # Another one since, where what was before ended the process.
            if connection is not self._async or not self._lock.acquire(blocking=False):
                return None
            try:
                return await connection.exchange(question, seconds)
            # Whatever ended it: the answer to a question that nothing waits for would be taken for that to the next one.
            except BaseException as error:  # noqa: BLE001
                raise self._ended(error, seconds) from None
            finally:
                self._lock.release()

    def _ended(self, error: BaseException, seconds: float) -> BaseException:
        """End the process, which did not answer; return the error to raise."""
        self._stop()
        # Before OSError, of which it is a subclass.
        if isinstance(error, TimeoutError):
            return EvaluationError(f"the policy did not answer within {seconds:g} seconds")
        if isinstance(error, OSError):
            return EvaluationError("the policy used more memory than it may, or its engine failed")
        return error

    def _ready(self) -> socket.socket:
        if self._connection is not None:
            return self._connection
        try:
            self._connection, own, process = _spawn()
            self._async = AsyncConnection(own)
            # A policy that a reload replaces must not leave its process behind.
            self._end = weakref.finalize(self, _end, self._connection, process)
            _exchange(self._connection, self._policy, START)
        except OSError as error:
            self._stop()
            raise EvaluationError(f"the engine cannot be started: {error}") from None
        return self._connection

    def _stop(self) -> None:
        end, self._connection, self._async, self._end = self._end, None, None, None
        if end is not None:
            # In a thread: a process that has taken all its memory needs a moment to end.
            threading.Thread(target=end, name="pyratify-rego-end").start()


def _spawn() -> tuple[socket.socket, socket.socket, "subprocess.Popen[bytes]"]:
    """Start the process; return the connections to it of threads and of the event loop."""
    ours, theirs = socket.socketpair()
    own, other = socket.socketpair()
    with theirs, other:
        numbers = theirs.fileno(), other.fileno()
        # -P: a module in the current folder must not be taken for one of ours. Without the secrets of the environment.
        command = (sys.executable, "-P", "-m", _WORKER, *map(str, numbers))
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
                pass_fds=numbers,
                env=kept,
            )
        except OSError:
            ours.close()
            own.close()
            raise
    return ours, own, process


def _exchange(connection: socket.socket, data: bytes, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    connection.settimeout(seconds)
    send(connection, data)
    # What is left of the time: sending a large input has taken some.
    connection.settimeout(max(end - time.monotonic(), 0.001))
    return _answer(receive(connection))


def _answer(data: bytes | None) -> bytes:
    if data is None:
        raise ConnectionResetError("it ended at once")
    return data


def _end(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    connection.close()
    with suppress(OSError):
        process.kill()
        # Reaped: otherwise each late policy would leave a zombie.
        process.wait()
