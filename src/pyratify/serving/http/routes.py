"""The routes of a site and their bounds, addresses, requests and replies."""

import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field

from msgspec import Struct

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)  # no dot, no slash, nothing to decode


class Request(Struct, frozen=True, kw_only=True):
    """A request within the bounds.

    Attributes:
        body: Its body.
        query: The query string, as sent; empty where the site takes no queries.
        headers: Its headers, by names in any case; of several with one name the first.
        name: The last segment of its path, where the site serves things by their names; else empty.
    """

    body: bytes = b""
    query: str = ""
    headers: Mapping[str, str] = {}
    name: str = ""


class Reply(Struct, frozen=True):
    """An HTTP response.

    Attributes:
        status: The HTTP status.
        body: The body.
        content_type: Its media type.
        headers: More headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


Handler = Callable[[Request], Awaitable[Reply]]
"""Answers a request."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A request that no handler gets.

    Attributes:
        status: The HTTP status.
        code: A stable code.
        message: One sentence.
        allow: The methods that are allowed, where another one was used.
        retry_after: Seconds after which a retry may help; 0 for none.
    """

    status: int
    code: str
    message: str
    allow: str = ""
    retry_after: int = 0


def plain(rejection: Rejection) -> Reply:
    """Return a rejection as one line of text."""
    return Reply(rejection.status, f"{rejection.code}: {rejection.message}\n".encode(), "text/plain")


def said(say: Callable[[Rejection], Reply], rejection: Rejection) -> Reply:
    """Return a rejection as a site renders it, with the headers that belong to it."""
    reply = say(rejection)
    more = {"Allow": rejection.allow} if rejection.allow else {}  # RFC 9110 15.5.6
    if rejection.retry_after:
        more["Retry-After"] = str(rejection.retry_after)  # RFC 9110 10.2.3
    return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Routes and their bounds.

    Attributes:
        routes: Handlers by method and exact path.
        refusals: Renders a rejection, by exact path.
        otherwise: Renders a rejection on all other paths.
        named: Handlers by method and path with a slash at its end, for paths that go on with one name of letters and digits.
        admits: By exact path, called before a body is read: returns the refusal of an unauthorized request, None for an authorized one.
        max_body: The most bytes of a request's body; only those of POST are read.
        body_seconds: The seconds in which a body has to arrive.
        max_arriving: The most bodies that arrive at the same time; of more than that the one that began first is given up.
        queries: Whether a path may be followed by a query; else such a path is another one.
    """

    routes: Mapping[tuple[str, str], Handler]
    refusals: Mapping[str, Callable[[Rejection], Reply]]
    otherwise: Callable[[Rejection], Reply] = plain
    named: Mapping[tuple[str, str], Handler] = field(default_factory=dict)
    admits: Mapping[str, Callable[[Request], Reply | None]] = field(default_factory=dict)
    max_body: int = 1024 * 1024
    body_seconds: float = 5.0
    max_arriving: int = 256
    queries: bool = False
    _paths: frozenset[str] = field(init=False)
    _folders: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_paths", frozenset(path for _, path in self.routes))
        object.__setattr__(self, "_folders", frozenset(path for _, path in self.named))

    def place(self, path: str) -> tuple[Mapping[tuple[str, str], Handler], str, str]:
        """Return the handlers, the path under which they stand (empty for none), and the name that follows it."""
        if path in self._paths:
            return self.routes, path, ""
        folder, slash, name = path.rpartition("/")
        if folder + slash in self._folders and _NAME.fullmatch(name):
            return self.named, folder + slash, name
        return {}, "", ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: The host or address, empty for all; of a unix socket its path.
        port: The port; 0 for any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse `HOST:PORT` or `:PORT`, an IPv6 address in brackets.

        Raises:
            ConfigurationError: It is neither.
        """
        host, colon, port = text.rpartition(":")
        # isdigit() alone accepts digits of other scripts.
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ConfigurationError(
                f"{text[:80]!a} is not an address", remedy="Write host:port, or :port for every address."
            )
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @classmethod
    def of(cls, listener: socket.socket) -> "Address":
        """Return where a TCP socket listens."""
        return cls(*listener.getsockname()[:2])

    def __str__(self) -> str:
        return self.host if self.is_local else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is a unix socket: the host is its path."""
        return self.host.startswith("/")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        # By name, without a look-up: what a resolver says may change after this check.
        return self.host in ("127.0.0.1", "::1", "localhost")
