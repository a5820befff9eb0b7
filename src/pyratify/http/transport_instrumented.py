"""A span for every exchange, with its host and status."""

from pyratify.core.dataclass import dataclass
from pyratify.core.telemetry import Observer
from pyratify.http.transport import Request, Response, Transport
from pyratify.http.url import Origin


@dataclass(frozen=True, slots=True)
class InstrumentedTransport:
    """Reports the exchanges of another transport.

    Attributes:
        transport: Makes the exchanges.
        observer: Where spans go.
    """

    transport: Transport
    observer: Observer

    async def send(self, request: Request) -> Response:
        """Send the request and return the answer; errors as in `Transport`."""
        host = request.url.origin.authority
        with self.observer.span("registry request", host=host, method=request.method) as span:
            response = await self.transport.send(request)
            span.set_attributes(status=response.status)
            return response

    async def speaks_tls(self, origin: Origin) -> bool:
        """Return whether an origin answers a TLS handshake."""
        return await self.transport.speaks_tls(origin)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.transport.aclose()
