"""A JSON API without a network, for tests of what calls one through `pyratify.http.json_api.JsonApi`."""

import json
from abc import ABC, abstractmethod

from pyratify.http.transport import Headers, Request, Response


class JsonService(ABC):
    """A `Transport` and what opens one; subclasses answer.

    Attributes:
        asked: The requests, in order.
        open: How many connections are open.
        headers: The header fields of every response.
    """

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.open = 0
        self.headers = Headers(())

    @abstractmethod
    def respond(self, request: Request) -> tuple[int, object]:
        """Return the status and the body: bytes as they are, any other value as JSON.

        Raises:
            StoreError: The fault of a network.
        """

    def connect(self) -> "JsonService":
        """Open a connection."""
        self.open += 1
        return self

    async def aclose(self) -> None:
        """Close a connection."""
        self.open -= 1

    async def speaks_tls(self, origin: object) -> bool:
        """Return that every origin does."""
        del origin
        return True

    async def send(self, request: Request) -> Response:
        """Record a request and respond; errors as in `respond`."""
        self.asked.append(request)
        status, body = self.respond(request)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(status, self.headers, data, request.url)
