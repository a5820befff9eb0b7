"""What the Docker daemon sends to an authorization plugin (moby, pkg/authorization/api.go)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.limits import MIB
from pyratify.entrypoints.node.docker.target import Target, bad, parse_target

MAX_BODY = 4 * MIB  # the daemon shows at most 1 MiB of a body, in base64, beside the headers
# RFC 9110, section 9.2.1, without TRACE, which Docker does not serve.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request of a client to the daemon.

    Attributes:
        method: Its method.
        target: What it is for.
        headers: Its headers; of several with one name the last.
        body: Its body; None where the daemon does not show it: it is over 1 MiB, not JSON, or there is none.
    """

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def reads(self) -> bool:
        """Whether it only asks for something."""
        return self.method in _READING


def parse_request(body: bytes) -> AuthorizationRequest:
    """Return the request that `/AuthZPlugin.AuthZReq` is asked about.

    Raises:
        BadDockerRequest: It is not what the daemon sends.
        InvalidJson: It is no JSON.
    """
    document = strictjson.load_object(body, what="the daemon's question", max_bytes=MAX_BODY)
    # The daemon leaves an empty map out (omitempty).
    headers = document.get("RequestHeaders") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise bad("RequestHeaders is no object of strings")
    return AuthorizationRequest(
        method=_text(document, "RequestMethod"),
        target=parse_target(_text(document, "RequestUri")),
        # RFC 9110, section 5.1: names of fields are case-insensitive.
        headers={name.lower(): value for name, value in headers.items()},
        body=_body(document.get("RequestBody")),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise bad(f"the daemon's question has no {name}")
    return value


def _body(value: object) -> bytes | None:
    if not value:
        return None
    try:
        # Validated: by default Python drops foreign characters, and two texts would mean one body.
        return base64.b64decode(str(value), validate=True)
    except (ValueError, binascii.Error):
        raise bad("RequestBody is no base64") from None
