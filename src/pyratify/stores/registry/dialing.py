"""Connections for the transport in threads: resolve once, check, connect to that address, then TLS to the name."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyratify.stores.registry.answers import malformed, proxy_refusal
from pyratify.stores.registry.guard import check_addresses, check_literal
from pyratify.stores.registry.proxies import Proxy
from pyratify.stores.registry.tls import TlsContexts
from pyratify.stores.registry.transport import Request
from pyratify.stores.registry.url import Origin

Resolve = Callable[[str, int], Iterable[str]]
Connect = Callable[[str, int, float], socket.socket]
Watch = Callable[[socket.socket], None]


def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, as the operating system orders them.

    Raises:
        OSError: There is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def system_connect(address: str, port: int, timeout: float) -> socket.socket:
    """Return a socket connected to an address.

    Raises:
        OSError: It does not answer.
    """
    return socket.create_connection((address, port), timeout)


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens connections.

    Attributes:
        tls: The TLS contexts.
        resolve: Names to addresses.
        connect: Addresses to sockets.
        timeout: Seconds for one connection.
    """

    tls: TlsContexts
    resolve: Resolve
    connect: Connect
    timeout: float

    def open(self, request: Request, proxy: Proxy | None, watch: Watch) -> socket.socket:
        """Return a socket over which the request's origin can be spoken to.

        Args:
            request: Says where, and what is trusted there.
            proxy: Goes between, if any.
            watch: Told each socket as soon as there is one, so that it can be ended from elsewhere.

        Raises:
            OSError: The network failed.
            StoreError: `SSRF_BLOCKED`, or the proxy refused.
        """
        origin = request.url.origin
        target = proxy.origin if proxy else origin
        sock = self._connect(target, self._addresses(request, proxy))
        try:
            watch(sock)
            if proxy and origin.scheme == "https":
                _tunnel(sock, request, proxy)
            return self._secure(sock, request, watch) if origin.scheme == "https" else sock
        except BaseException:
            sock.close()
            raise

    def _addresses(self, request: Request, proxy: Proxy | None) -> tuple[str, ...]:
        origin = request.url.origin
        if not request.trust.internal:
            check_literal(origin.host)
        if proxy is None:
            addresses = tuple(self.resolve(origin.host, origin.port))
            if not request.trust.internal:
                check_addresses(origin.host, addresses)
            return addresses
        if not request.trust.internal:
            self._check_behind_proxy(origin)
        return tuple(self.resolve(proxy.origin.host, proxy.origin.port))

    def _check_behind_proxy(self, origin: Origin) -> None:
        try:
            addresses = tuple(self.resolve(origin.host, origin.port))
        except OSError:
            return  # only the proxy knows the name
        check_addresses(origin.host, addresses)

    def _connect(self, target: Origin, addresses: tuple[str, ...]) -> socket.socket:
        failure: OSError = OSError("the name has no address")
        for address in addresses:
            try:
                sock = self.connect(address, target.port, self.timeout)
            except OSError as error:
                failure = error
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        raise failure

    def _secure(self, sock: socket.socket, request: Request, watch: Watch) -> ssl.SSLSocket:
        context = self.tls.context(request.trust)
        secure = context.wrap_socket(
            sock, server_hostname=request.url.origin.host, do_handshake_on_connect=False
        )
        try:
            watch(secure)
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure


def _tunnel(sock: socket.socket, request: Request, proxy: Proxy) -> None:
    """Ask the proxy for a tunnel (RFC 9110, section 9.3.6)."""
    origin = request.url.origin
    target = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
    authorization = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n".encode("ascii"))
    answer = http.client.HTTPResponse(sock, method="CONNECT")
    try:
        answer.begin()
    except http.client.HTTPException as error:
        raise malformed(request.url, f"the proxy's answer ({type(error).__name__})") from None
    finally:
        answer.close()
    if answer.status != 200:
        raise proxy_refusal(proxy.origin.authority, request.url, answer.status)
