"""The transport of one-shot programs: the standard library's `http.client`, each exchange in a thread of its own."""

import asyncio
import contextlib
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyratify.stores.registry.answers import ConnectionLost, timed_out
from pyratify.stores.registry.dialing import Connect, Dialer, Resolve, system_connect, system_resolve
from pyratify.stores.registry.exchange import Connection, exchange
from pyratify.stores.registry.options import RegistryOptions
from pyratify.stores.registry.proxies import Proxy, proxy_for
from pyratify.stores.registry.tls import TlsContexts
from pyratify.stores.registry.transport import Request, Response, Transport, Trust
from pyratify.stores.registry.url import Origin

_PER_ORIGIN = 32
_IDLE_SECONDS = 60.0
_Key = tuple[Origin, Trust]


@dataclass(slots=True)
class _Pool:
    """Idle connections; touched by every thread."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: dict[_Key, deque[Connection]] = field(default_factory=dict)
    closed: bool = False

    def take(self, key: _Key) -> Connection | None:
        while True:
            with self.lock:
                waiting = self.idle.get(key)
                connection = waiting.pop() if waiting else None
            if connection is None or _is_fresh(connection):
                return connection
            connection.close()

    def give(self, key: _Key, connection: Connection) -> None:
        connection.since = time.monotonic()
        with self.lock:
            if not self.closed:
                self.idle.setdefault(key, deque()).append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self.lock:
            self.closed = True
            connections = [connection for waiting in self.idle.values() for connection in waiting]
            self.idle.clear()
        for connection in connections:
            connection.close()


class _Job:
    """One exchange in its thread, which can be ended from the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._ended = False

    def watch(self, sock: socket.socket) -> None:
        """Remember the socket that has to be ended; raise when it is too late."""
        with self._lock:
            if not self._ended:
                self._socket = sock
                return
        raise ConnectionAbortedError

    def end(self) -> None:
        """Wake the thread; the thread itself closes what it opened."""
        with self._lock:
            self._ended = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def release(self) -> bool:
        """Let go of the socket; False when the exchange was ended meanwhile."""
        with self._lock:
            self._socket = None
            return not self._ended


class ThreadTransport:
    """Makes requests with blocking sockets in threads; idle connections are kept.

    Args:
        options: The store's settings.
        resolve: Names to addresses.
        connect: Addresses to sockets.
        environ: Where proxies come from.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """

    def __init__(
        self,
        options: RegistryOptions,
        *,
        resolve: Resolve = system_resolve,
        connect: Connect = system_connect,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._dialer = Dialer(TlsContexts(options), resolve, connect, options.connect_timeout)
        self._environ = environ if options.proxy_from_environment else {}
        self._pool = _Pool()
        self._slots: dict[Origin, asyncio.Semaphore] = {}

    async def send(self, request: Request) -> Response:
        """Send the request in a thread; errors as in `Transport`."""
        slot = self._slots.setdefault(request.url.origin, asyncio.Semaphore(_PER_ORIGIN))
        proxy = proxy_for(request.url.origin, self._environ) if self._environ else None
        try:
            async with asyncio.timeout(request.timeout), slot:
                return await self._in_thread(request, proxy)
        except TimeoutError:
            raise timed_out(request.url, request.timeout) from None

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when their exchange ends."""
        self._pool.close()

    async def _in_thread(self, request: Request, proxy: Proxy | None) -> Response:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        job = _Job()

        def deliver(response: Response | None, error: Exception | None) -> None:
            if answer.done():
                return
            if response is not None:
                answer.set_result(response)
            elif error is not None:
                answer.set_exception(error)

        def work() -> None:
            response, error = None, None
            try:
                response = self._exchange(request, proxy, job)
            except Exception as failure:  # noqa: BLE001 - handed to the caller as it is
                error = failure
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it the caller
                loop.call_soon_threadsafe(deliver, response, error)

        threading.Thread(target=work, name=f"registry {request.url.origin.authority}", daemon=True).start()
        try:
            return await answer
        finally:
            job.end()

    def _exchange(self, request: Request, proxy: Proxy | None, job: _Job) -> Response:
        key = (request.url.origin, request.trust)
        connection = self._pool.take(key)
        if connection is not None:
            try:
                return self._over(connection, key, request, job)
            except ConnectionLost:
                if not job.release():
                    raise
        return self._over(Connection(self._dialer, request, proxy, job.watch), key, request, job)

    def _over(self, connection: Connection, key: _Key, request: Request, job: _Job) -> Response:
        keep = False
        try:
            response, keep = exchange(connection, request, job.watch)
        finally:
            if not (keep and job.release()):
                connection.close()
        if keep:
            self._pool.give(key, connection)
        return response


def thread_transport(options: RegistryOptions) -> Transport:
    """Return the transport for a program that verifies and ends.

    Raises:
        ConfigurationError: A certificate cannot be used.
    """
    return ThreadTransport(options)


def _is_fresh(connection: Connection) -> bool:
    """Tell whether a connection is young and silent; one with data waiting was closed, or says what nobody asked."""
    if time.monotonic() - connection.since > _IDLE_SECONDS:
        return False
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return not poll.poll(0)
