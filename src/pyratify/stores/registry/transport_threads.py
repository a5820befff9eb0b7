"""The transport of one-shot programs: the standard library's `http.client`, each exchange in a thread of its own."""

import asyncio
import contextlib
import os
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping

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
_MAX_IDLE = 128
_Key = tuple[Origin, Trust]


class _Pool:
    """Idle connections, the longest idle first; touched by every thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._idle: deque[tuple[_Key, Connection]] = deque()
        self._closed = False

    def take(self, key: _Key) -> Connection | None:
        """Return a connection that can be used, if there is one."""
        while True:
            with self._lock:
                entry = next((entry for entry in reversed(self._idle) if entry[0] == key), None)
                if entry is None:
                    return None
                self._idle.remove(entry)
            if self._monotonic() - entry[1].since <= _IDLE_SECONDS and _is_silent(entry[1]):
                return entry[1]
            entry[1].close()

    def give(self, key: _Key, connection: Connection) -> None:
        """Keep a connection, and end those that have been idle for too long or are too many."""
        connection.since = self._monotonic()
        with self._lock:
            self._idle.append((key, connection))
            surplus = self._surplus()
        for old in surplus:
            old.close()

    def close(self) -> None:
        """End every connection, and those that are given later."""
        with self._lock:
            self._closed = True
            surplus = self._surplus()
        for old in surplus:
            old.close()

    def _surplus(self) -> list[Connection]:
        limit = 0 if self._closed else _MAX_IDLE
        oldest = self._monotonic() - _IDLE_SECONDS
        surplus: list[Connection] = []
        while self._idle and (len(self._idle) > limit or self._idle[0][1].since < oldest):
            surplus.append(self._idle.popleft()[1])
        return surplus


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
        monotonic: Tells how long a connection has been idle, in seconds.

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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dialer = Dialer(TlsContexts(options), resolve, connect, options.connect_timeout)
        self._environ = environ if options.proxy_from_environment else {}
        self._pool = _Pool(monotonic)
        self._slots: weakref.WeakValueDictionary[Origin, asyncio.Semaphore] = weakref.WeakValueDictionary()

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
            if error is not None:
                answer.set_exception(error)
            elif response is not None:
                answer.set_result(response)

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
            keep = keep and job.release()
        finally:
            if not keep:
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


def _is_silent(connection: Connection) -> bool:
    """Tell whether nothing has come since the last answer: neither an end nor what nobody asked for."""
    connection.socket.setblocking(False)
    try:
        socket.socket.recv(connection.socket, 1, socket.MSG_PEEK)  # below TLS
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
