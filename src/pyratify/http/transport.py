"""The one seam to the network: a request goes out, a bounded response comes back."""

import math
from dataclasses import replace
from typing import Protocol, Self

from pyratify.core.dataclass import dataclass
from pyratify.http.url import Origin, Url

# Enough for the errors document of a registry, of which messages quote a line.
ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the server that a request goes to is trusted.

    Attributes:
        internal: It may have an address that is not public.
        ca: Its certificate is checked against the configured CA certificates, where there are any.
        client_certificate: It is shown the configured client certificate.
    """

    internal: bool = False
    ca: bool = False
    client_certificate: bool = False


PUBLIC = Trust()
SAME_HOST = Trust(internal=True)
CONFIGURED = Trust(internal=True, ca=True)
REGISTRY = Trust(internal=True, ca=True, client_certificate=True)


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order received; names in lower case.

    Attributes:
        fields: Pairs of name and value.
    """

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the first value of that name."""
        for key, value in self.fields:
            if key == name:
                return value
        return None

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of that name."""
        return tuple([value for key, value in self.fields if key == name])


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        url: The target.
        limit: How many bytes the body of an answer with status 200 may have.
        trust: How far the server is trusted.
        timeout: Seconds for everything, from the connection to the last byte.
        patience: Seconds after which the answer is of no use; a request that would have to wait longer is refused.
        headers: Pairs of name and value; nothing else is sent but `Host`, `Connection` and `Content-Length`.
        method: `GET`, or `POST` for an OAuth2 token.
        body: The body of a POST.
        expected: The exact number of bytes of the answer's body, where it is known.
    """

    url: Url
    limit: int
    trust: Trust = PUBLIC
    timeout: float = 30.0
    patience: float = math.inf
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: bytes = b""
    expected: int | None = None

    def with_header(self, name: str, value: str) -> Self:
        """Return the same request with one more field."""
        return replace(self, headers=(*self.headers, (name, value)))


@dataclass(frozen=True, slots=True)
class Response:
    """The response to a request.

    Attributes:
        status: The status code.
        headers: The header fields.
        body: The body: whole where the status is 200, at most 64 KiB of it otherwise.
        url: The URL of the request.
    """

    status: int
    headers: Headers
    body: bytes
    url: Url


class Transport(Protocol):
    """Makes one exchange over the network; knows no registry, no credential, no retry and no redirect."""

    async def send(self, request: Request) -> Response:
        """Send the request and return the answer, whatever its status.

        Cancelled, or failed in any way, the connection is closed and never used again.

        Raises:
            StoreError: `REGISTRY_UNREACHABLE`, `REGISTRY_BUSY`, `TLS_VERIFY`, `TLS_REQUIRED`, `TIMEOUT`, `SSRF_BLOCKED`,
                `CONTENT_ENCODING`, `SIZE_EXCEEDED`, `SIZE_MISMATCH`, or `REGISTRY_ERROR` for what is not HTTP.
        """
        ...

    async def speaks_tls(self, origin: Origin) -> bool:
        """Return whether an origin of this machine's loopback answers a TLS handshake; nothing else is sent."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
