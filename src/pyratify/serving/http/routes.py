"""The routes of a site and their bounds, addresses, requests and replies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from pyratify.core.errors import ConfigurationError


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


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: The host or address; empty for all.
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

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        # By name, without a look-up: what a resolver says may change after this check.
        return self.host in ("127.0.0.1", "::1", "localhost")
