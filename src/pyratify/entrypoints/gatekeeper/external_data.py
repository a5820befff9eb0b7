"""Requests and responses as Gatekeeper writes and reads them (externaldata.gatekeeper.sh)."""

import json
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import Failure, RatifyError
from pyratify.core.reason import Reason
from pyratify.entrypoints.gatekeeper.request_keys import MAX_KEY
from pyratify.render.plain import clean
from pyratify.serving.public_errors import is_foreign

V1ALPHA1 = "externaldata.gatekeeper.sh/v1alpha1"
V1BETA1 = "externaldata.gatekeeper.sh/v1beta1"
MAX_KEYS = 64
# Gatekeeper puts the text into its denial and its log.
_MAX_MESSAGE = 512
# Here the remedy is part of the message, because to wait is all that a user can do.
_BUSY = frozenset({Reason.BUSY, Reason.REGISTRY_BUSY})


class BadRequest(RatifyError, ValueError):
    """A body that is no request.

    Attributes:
        status: The HTTP status of the answer.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(Reason.REQUEST_TOO_LARGE if status == 413 else Reason.BAD_REQUEST, message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Item:
    """The answer for one key.

    Attributes:
        key: The key as it was sent.
        value: What was found out; None for nothing.
        error: Why not; empty when there is a value that counts.
    """

    key: str
    value: Any = None
    error: str = ""

    def encoded(self) -> bytes:
        """Return it as it stands in a response: never without a value and an error at once."""
        found: dict[str, Any] = {"key": self.key}
        if self.value is not None:
            found["value"] = self.value
        # Without an error a template would take an item that says nothing for a success.
        if self.error or self.value is None:
            found["error"] = self.error or f"{Reason.INTERNAL}: nothing was found out"
        return _bytes(found)


def parse_request(body: bytes, max_keys: int = MAX_KEYS) -> tuple[str, ...]:
    """Return the keys of a request, in its order and as often as they stand there.

    Raises:
        BadRequest: The body is not a ProviderRequest, or has more or longer keys than allowed.
    """
    try:
        document = strictjson.load_object(body, what="the request")
    except strictjson.InvalidJson as error:
        # 413 and not 400: the request may be well-formed, and fewer keys would do (RFC 9110, 15.5.14).
        if error.reason is Reason.PARSE_LIMIT:
            raise BadRequest(error.message, status=413) from None
        raise BadRequest(error.message) from None
    # externaldata.md, "ProviderRequest"; another kind belongs to another API.
    if document.get("kind") != "ProviderRequest" or document.get("apiVersion") not in (V1ALPHA1, V1BETA1):
        raise BadRequest(f"the request is not a ProviderRequest of {V1BETA1}")
    request = document.get("request")
    keys = request.get("keys") if isinstance(request, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise BadRequest("request.keys is not a list of strings")
    # Each key may cost a look at a registry, so the number is bounded as well as the body.
    if len(keys) > max_keys or any(len(key) > MAX_KEY for key in keys):
        raise BadRequest(
            f"more than {max_keys} keys, or a key of more than {MAX_KEY} characters",
            status=413,
        )
    return tuple(keys)


def response(api: str, items: bytes = b"", *, idempotent: bool = False, fault: str = "") -> bytes:
    """Return the bytes of a ProviderResponse.

    Args:
        api: `V1ALPHA1` or `V1BETA1`.
        items: One for each key, encoded, with commas between them.
        idempotent: Whether asking again gives the same; mutation demands it.
        fault: The system error; empty for none.
    """
    members = []
    # "must be true for mutation" (externaldata.md, `Response`), and not said elsewhere.
    if idempotent:
        members.append(b'"idempotent":true')
    if items:
        members.append(b'"items":[%b]' % items)
    if fault:
        members.append(b'"systemError":%b' % _bytes(clean(fault, _MAX_MESSAGE)))
    inner = b",".join(members)
    return b'{"apiVersion":"%b","kind":"ProviderResponse","response":{%b}}' % (api.encode(), inner)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def shown(failure: Failure) -> str:
    """Return a failure as the text of an item's error: its code, and a message that holds nothing of others'."""
    # A registry's text in a denial would be an attacker's text on an administrator's terminal.
    if is_foreign(failure):
        return f"{failure.reason}: it could not be decided; the provider's log says why. {failure.remedy}"
    said = f"{failure.reason}: {clean(failure.message, _MAX_MESSAGE)}"
    return f"{said}. {failure.remedy}" if failure.reason in _BUSY else said
