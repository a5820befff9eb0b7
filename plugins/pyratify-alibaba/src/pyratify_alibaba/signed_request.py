"""Signatures of Alibaba Cloud's RPC API (version 1.0, HMAC-SHA1: the only method that every service takes)."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def encode(parameters: Mapping[str, str]) -> str:
    """Return parameters as a canonical query: sorted, and encoded as RFC 3986 says."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(parameters.items()))


def signature(method: str, parameters: Mapping[str, str], secret: str) -> str:
    """Return the value of the parameter `Signature`.

    Args:
        method: GET or POST.
        parameters: All others.
        secret: The AccessKey secret.
    """
    text = f"{method}&{_quoted('/')}&{_quoted(encode(parameters))}"
    # The service's own algorithm; it proves who asks and protects no content, which TLS does.
    made = hmac.new(f"{secret}&".encode(), text.encode(), "sha1").digest()
    return base64.b64encode(made).decode("ascii")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
