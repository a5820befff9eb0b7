"""Vault's HTTP API: bounded requests to one address, never past a redirect."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.transport import CONFIGURED, Request, Response, Transport
from pyratify.http.url import Url

_LIMIT = 1024 * 1024
_REDIRECTS = range(300, 400)


class VaultError(Exception):
    """A request failed.

    Attributes:
        status: The status of the answer; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class VaultClient:
    """Asks one Vault.

    Attributes:
        address: Its URL, without a path.
        connect: Opens the network, for one request: between two reads lie minutes.
        namespace: A namespace of Vault Enterprise or OpenBao; empty for none.
        seconds: How long one request may take.
    """

    address: Url
    connect: Callable[[], Transport] = field(repr=False)
    namespace: str = ""
    seconds: float = 10.0

    async def read(self, path: str, token: str = "") -> Mapping[str, Any]:
        """Return the answer to a GET of a path below `/v1/`.

        Raises:
            VaultError: Any other answer than a JSON object with status 200, or none.
        """
        return await self._ask("GET", path, token, b"")

    async def write(self, path: str, body: Mapping[str, Any], token: str = "") -> Mapping[str, Any]:
        """Return the answer to a POST; errors as for `read`."""
        return await self._ask("POST", path, token, json.dumps(body).encode())

    async def _ask(self, method: str, path: str, token: str, body: bytes) -> Mapping[str, Any]:
        target = "/v1/" + quote(path, safe="/")
        headers = [("Accept", "application/json"), ("X-Vault-Request", "true")]
        if self.namespace:
            headers.append(("X-Vault-Namespace", self.namespace))
        if token:
            headers.append(("X-Vault-Token", token))
        if body:
            headers.append(("Content-Type", "application/json"))
        request = Request(
            Url(self.address.origin, target),
            _LIMIT,
            CONFIGURED,
            timeout=self.seconds,
            headers=tuple(headers),
            method=method,
            body=body,
        )
        transport = self.connect()
        try:
            response = await transport.send(request)
        except StoreError as error:
            raise VaultError(f"{self.address.origin.authority}: {error.message}") from None
        finally:
            await transport.aclose()
        return self._read(path, response)

    def _read(self, path: str, response: Response) -> Mapping[str, Any]:
        where = self.address.origin.authority
        if response.status in _REDIRECTS:
            # A standby node names the active one; a token goes to the configured address and to no other.
            raise VaultError(
                f"{where} redirects {path}: name the active node or a load balancer", response.status
            )
        if response.status != 200:
            # Without the body: Vault quotes what it was sent.
            raise VaultError(f"{where} answers HTTP {response.status} to {path}", response.status)
        try:
            return load_object(response.body, what="answer")
        except InvalidJson as error:
            raise VaultError(f"{where} sent {error.message}") from None


def parse_address(text: str, path: str) -> Url:
    """Return Vault's address.

    Raises:
        ConfigurationError: It is no https URL (or http of this machine's loopback), or has a path.
    """
    try:
        url = Url.parse(text)
    except ValueError:
        url = None
    safe = url is not None and (url.origin.scheme == "https" or is_loopback(url.origin.authority))
    if url is None or not safe or url.target != "/":
        raise ConfigurationError(
            f"{text[:120]!r} is no https address of a Vault",
            path=path,
            reason=Reason.KEY_UNAVAILABLE,
            remedy="Write one as https://vault.example.com:8200, or set VAULT_ADDR.",
        )
    return url
