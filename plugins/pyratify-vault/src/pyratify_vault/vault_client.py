"""Vault's HTTP API: the header fields that it wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pyratify.http.json_api import Fields, JsonApi


@dataclass(frozen=True, slots=True)
class VaultClient:
    """Asks one Vault.

    Attributes:
        api: Its address.
        namespace: A namespace of Vault Enterprise or OpenBao; empty for none.
    """

    api: JsonApi
    namespace: str = ""

    async def read(self, path: str, token: str = "") -> Mapping[str, Any]:
        """Return the answer to a GET of a path below `/v1/`.

        Raises:
            ApiError: Any other answer than a JSON object with status 200, or none. A redirect is none: a standby node
                names the active one, and a token goes to the configured address alone.
        """
        return await self.api.get(_target(path), self._fields(token))

    async def write(self, path: str, body: Mapping[str, Any], token: str = "") -> Mapping[str, Any]:
        """Return the answer to a POST; errors as for `read`."""
        return await self.api.post_json(_target(path), body, self._fields(token))

    def _fields(self, token: str) -> Fields:
        # A Vault Agent with `require_request_header` (against SSRF) refuses requests without it.
        found = [("X-Vault-Request", "true")]
        if self.namespace:
            found.append(("X-Vault-Namespace", self.namespace))
        if token:
            found.append(("X-Vault-Token", token))
        return tuple(found)


def _target(path: str) -> str:
    return "/v1/" + quote(path, safe="/")
