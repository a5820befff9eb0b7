"""Connections within bounds, whatever their other end does with its time.

A client that sends the head of a request one byte at a time, that does not take its answer, or that opens connections and does
nothing with them costs us no more than these bounds. What arrives in time is passed on as it is.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What connections are held to.

    Attributes:
        most: The most connections at the same time; for one more, the one that has been idle for longest is ended.
        head_seconds: In how many seconds the head of a request has to have arrived, from the connection's or its own first byte on.
        taking_seconds: In how many seconds an answer has to have been taken.
        handshake_seconds: In how many seconds a TLS handshake has to be done.
        lingering_seconds: For how many seconds the rest of a refused body is read and dropped, so that its sender reads the
            refusal; at the end of a server that is waited for too.
        look_seconds: How often is looked whose time is over.
    """

    most: int = 1024
    head_seconds: float = 5.0
    taking_seconds: float = 10.0
    handshake_seconds: float = 5.0
    lingering_seconds: float = 1.0
    look_seconds: float = 1.0


BOUNDS = Bounds()


class Connections:
    """All connections of a server.

    Args:
        bounds: What they are held to.
        now: Returns monotonic seconds.
    """

    def __init__(self, bounds: Bounds, now: Callable[[], float]) -> None:
        self.bounds = bounds
        self._now = now
        self._open: dict[asyncio.BaseTransport, _Connection] = {}  # the one that was idle for longest first
        self._arriving: dict[_Connection, None] = {}  # the first first

    def __len__(self) -> int:
        return len(self._open)

    def bounded(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        """Return a protocol that passes everything on to this one, within the bounds."""
        return _Connection(protocol, self)

    def begin(self, transport: asyncio.BaseTransport | None) -> "_Connection | None":
        """Leave a connection all the time that it needs until `finish`, because its request is being answered."""
        connection = self._open.get(transport) if transport is not None else None
        if connection is not None:
            # The answer's own deadline counts now; how long it may take is the handler's affair.
            connection.busy, connection.due = True, None
        return connection

    def finish(self, connection: "_Connection | None") -> None:
        """Bound a connection again: its request has its answer, which is to be taken now."""
        if connection is not None:
            # A client that asks and reads nothing would hold the answer in memory for ever.
            connection.busy, connection.taking = False, True
            connection.due = self._now() + self.bounds.taking_seconds
            self._rests(connection)

    @contextmanager
    def arriving(self, transport: asyncio.BaseTransport | None, most: int) -> Iterator[None]:
        """Note that the body of a request is arriving; of more than that, the one that began first is given up.

        So slow senders cannot fill the server.
        """
        connection = self._open.get(transport) if transport is not None else None
        if connection is None:
            yield
            return
        if len(self._arriving) >= most:
            # The first, not the new one: slow senders are old, ordinary requests are new.
            next(iter(self._arriving)).end()
        self._arriving[connection] = None
        try:
            yield
        finally:
            self._arriving.pop(connection, None)

    def look(self) -> None:
        """End the connections whose time is over."""
        now = self._now()
        # A copy: to end a connection takes it out of this mapping.
        for connection in tuple(self._open.values()):
            if connection.due is not None and now >= connection.due and not connection.is_taken():
                connection.end()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self.bounds.look_seconds)
            self.look()

    def opened(self, transport: asyncio.BaseTransport, connection: "_Connection") -> None:
        """Note a connection; for one too many, end the one that has been idle for longest, or else this one."""
        self._open[transport] = connection
        if len(self._open) > self.bounds.most:
            # Never empty: the new connection itself is not busy, so at worst it is the one that is ended.
            next(each for each in self._open.values() if not each.busy).end()

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection."""
        self._arriving.pop(connection, None)
        if connection.transport is not None:
            self._open.pop(connection.transport, None)

    def _rests(self, connection: "_Connection") -> None:
        """Make a connection the last to be ended for another one."""
        transport = connection.transport
        if transport is not None and self._open.pop(transport, None) is not None:
            self._open[transport] = connection

    def head_due(self) -> float:
        """Return when a head that begins now has to have arrived."""
        return self._now() + self.bounds.head_seconds


class _Connection(asyncio.Protocol):
    """Passes everything on, and knows when the next thing has to have happened.

    `due` is None while a request is being answered, and while there is nothing to wait for.
    """

    __slots__ = ("_all", "_inner", "busy", "due", "taking", "transport")

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._all = connections
        self.transport: asyncio.Transport | None = None
        self.busy = False
        self.taking = False
        self.due: float | None = None

    def is_taken(self) -> bool:
        """Return whether the last answer was taken and no other request has begun; then there is nothing to wait for."""
        taken = self.taking and self.transport is not None and not self.transport.get_write_buffer_size()
        if taken:
            self.taking, self.due = False, None
        return taken

    def end(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            # Not left to connection_lost, which the loop calls later: the number must fall at once.
            self._all.closed(self)
            # Not close(), which first waits until the peer has taken what was written.
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        # From the first moment on: a connection that sends nothing is bounded as well.
        self.due = self._all.head_due()
        self._inner.connection_made(transport)
        # Last: it may abort this very connection, which both protocols have to know by then.
        self._all.opened(transport, self)

    def data_received(self, data: bytes) -> None:
        # Set by the first byte of a head alone: one byte at a time gains no time (slow loris).
        if not self.busy and (self.due is None or self.taking):
            self.due, self.taking = self._all.head_due(), False
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.closed(self)
        self._inner.connection_lost(exc)
