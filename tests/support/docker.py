"""Requests to a Docker daemon as its authorization plugin is asked about them, and what a daemon has, for tests."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.authz_request import AuthorizationRequest, parse_request
from pyratify.entrypoints.node.docker.daemon import LocalImage

JSON = {"Content-Type": "application/json"}
IDENTIFIER = "sha256:" + "a" * 64


@dataclass
class FakeInventory:
    """What a daemon has.

    Attributes:
        images: By name or identifier.
        containers: The identifiers of their images.
        services: The images of their previous specifications.
    """

    images: dict[str, LocalImage] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    services: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, name: str, *references: Reference) -> None:
        """Add an image under a name and its identifier."""
        self.images[name] = self.images[IDENTIFIER] = LocalImage(IDENTIFIER, references)

    async def image(self, name: str) -> LocalImage | None:
        """As in `Inventory`."""
        return self.images.get(name)

    async def container_image(self, container: str) -> str | None:
        """As in `Inventory`."""
        return self.containers.get(container)

    async def previous_images(self, service: str) -> tuple[str, ...] | None:
        """As in `Inventory`."""
        return self.services.get(service)


def question(
    uri: str, body: object = None, *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the body of `/AuthZPlugin.AuthZReq`.

    Args:
        uri: The request line's target.
        body: The request's body, bytes or what becomes JSON; None where the daemon shows none.
        method: The request's method.
        headers: Its headers; those of a request with this body when omitted.
    """
    document: dict[str, Any] = {"RequestMethod": method, "RequestUri": uri}
    document["RequestHeaders"] = dict(headers if headers is not None else JSON if body is not None else {})
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        document["RequestBody"] = base64.b64encode(data).decode()
    return json.dumps(document).encode()


def asked(uri: str, body: object = None, **rest: Any) -> AuthorizationRequest:
    """Return the request itself; arguments as for `question`."""
    return parse_request(question(uri, body, **rest))
