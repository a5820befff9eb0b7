"""An event loop's own connection to the process of a policy: registered once, as to do so for each question takes longer than an answer."""

import asyncio
import socket
import threading
import weakref

from pyratify.expressions.rego.messages import PIECE, body, framed


class AsyncConnection:
    """Exchanges messages, one question after the other, on the first event loop that asks; after that has ended, on the next.

    Args:
        connection: Used for nothing else; closed with the last reference, and only after the event loop has let go of it.

    Attributes:
        turn: To be held for each exchange.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.turn = asyncio.Lock()
        self._connection = connection
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attaching = threading.Lock()
        self._answer: asyncio.Future[bytes | OSError] | None = None
        self._received = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        weakref.finalize(self, connection.close)

    def attach(self) -> bool:
        """Return whether the running event loop is the one that reads the answers."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return True
        with self._attaching:
            if self._loop is not None and not self._loop.is_closed():
                return False
            self._loop, self._timer, self.turn = loop, None, asyncio.Lock()
            loop.add_reader(self._connection, self._read)
        return True

    async def exchange(self, data: bytes, seconds: float) -> bytes:
        """Return the answer to a message.

        Raises:
            OSError: The other end is gone, or what it sends is no answer; TimeoutError where it is late. The connection is of no
                further use then, nor after anything else that ends the exchange.
        """
        loop = asyncio.get_running_loop()
        self._received.clear()
        answer: asyncio.Future[bytes | OSError] = loop.create_future()
        self._answer = answer
        self._watch(loop, loop.time() + seconds)
        message = framed(data)
        try:
            sent = self._connection.send(message)
            if sent < len(message):
                async with asyncio.timeout_at(self._due):
                    await loop.sock_sendall(self._connection, message[sent:])
            found = await answer
        finally:
            self._answer = None
        if isinstance(found, OSError):
            raise found
        return found

    def _watch(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        # A timer for each question would take as long as all else: the one that is there looks again when it is over.
        self._due = due
        if self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._answer is None:
            return
        if loop.time() < self._due:
            self._watch(loop, self._due)
        else:
            self._settle(TimeoutError())

    def _read(self) -> None:
        try:
            found: bytes | OSError | None = self._next()
        except BlockingIOError:
            return
        except OSError as error:
            # Otherwise the event loop would call again without end.
            if self._loop is not None:
                self._loop.remove_reader(self._connection)
            found = error
        if found is not None:
            self._settle(found)

    def _next(self) -> bytes | None:
        part = self._connection.recv(PIECE)
        if not part:
            raise ConnectionResetError("it ended at once")
        if self._answer is None:
            raise OSError("an answer to no question")
        self._received += part
        return body(self._received)

    def _settle(self, found: bytes | OSError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(found)
