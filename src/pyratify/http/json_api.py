"""A JSON API at one address, as those of key management and identity services: bounded, and never past a redirect."""

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlencode

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.transport import CONFIGURED, Request, Response, Transport, Trust
from pyratify.http.url import Url, without_user

_LIMIT = 1024 * 1024
_REDIRECTS = range(300, 400)
_LATER = (408, 429)  # too slow, too many: another try may help (RFC 9110, 15.5.9; RFC 6585, 4)
_UNREACHED = "Check that it runs, that the address is its own, and that this machine reaches it."
_REDIRECTED = "Give the address that it leads to, if that is the service's own."
_BUSY = "Try again when it answers; its own log says why it does not."
_LARGE = f"Let it answer with less than {_LIMIT} bytes."
_NO_SERVICE = "Check that the address is the service's, and not that of a proxy."
Fields = tuple[tuple[str, str], ...]


class ApiError(Exception):
    """A request failed; the message has neither its body nor its header fields, which hold secrets.

    Attributes:
        status: The status of the answer; 0 where there was none, or none that can be read.
        unanswered: Whether there was no answer of the service itself: an outage, throttling, a redirect, or what is no JSON.
        remedy: What to do; empty where only the caller knows that.
        said: What the caller's `explain` made of the answer's body.
    """

    def __init__(
        self, message: str, status: int = 0, *, unanswered: bool = False, remedy: str = "", said: str = ""
    ) -> None:
        super().__init__(message)
        self.said = said
        self.status = status
        self.unanswered = unanswered
        self.remedy = remedy

    @property
    def refused(self) -> bool:
        """Whether the service answered and refused; otherwise another try may help."""
        return is_refusal(self.status)


def is_refusal(status: int) -> bool:
    """Return whether a status code refuses the request itself, so that another try would not help."""
    # 408 and 429 are about the moment, not the request (RFC 9110, 15.5.9; RFC 6585, 4).
    return 400 <= status < 500 and status not in _LATER


@dataclass(frozen=True, slots=True)
class JsonApi:
    """Asks one address.

    Attributes:
        address: Its URL, without a path.
        connect: Opens the network, for one request: between two of them lie minutes.
        seconds: How long one request may take.
        trust: How far the service is trusted.
        explain: Returns what may be shown of the body of an answer with another status than 200, for services that quote no
            secrets; empty where that is no error of theirs.
    """

    address: Url
    connect: Callable[[], Transport] = field(repr=False)
    seconds: float = 10.0
    trust: Trust = CONFIGURED
    explain: Callable[[bytes], str] | None = None

    async def get(self, target: str, fields: Fields = ()) -> Mapping[str, Any]:
        """Return the answer to a GET.

        Args:
            target: Path and query, percent-encoded.
            fields: Header fields.

        Raises:
            ApiError: Any other answer than a JSON object with status 200, or none.
        """
        return await self._ask("GET", target, fields, b"")

    async def post_json(self, target: str, body: Mapping[str, Any], fields: Fields = ()) -> Mapping[str, Any]:
        """Return the answer to a POST of a JSON object; errors as for `get`."""
        return await self.post_encoded(target, json.dumps(body).encode(), fields)

    async def post_encoded(self, target: str, body: bytes, fields: Fields = ()) -> Mapping[str, Any]:
        """Return the answer to a POST of a JSON object that is encoded already; errors as for `get`."""
        return await self._ask("POST", target, (*fields, ("Content-Type", "application/json")), body)

    async def post_form(self, target: str, form: Mapping[str, str], fields: Fields = ()) -> Mapping[str, Any]:
        """Return the answer to a POST of a form; errors as for `get`."""
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return await self._ask("POST", target, (*fields, kind), urlencode(form).encode("ascii"))

    async def _ask(self, method: str, target: str, fields: Fields, body: bytes) -> Mapping[str, Any]:
        request = Request(
            Url(self.address.origin, target),
            _LIMIT,
            self.trust,
            timeout=self.seconds,
            headers=(("Accept", "application/json"), *fields),
            method=method,
            body=body,
        )
        transport = self.connect()
        try:
            response = await transport.send(request)
        except StoreError as error:
            where = self.address.origin.authority
            # Most messages of the transport name it.
            what = error.message if where in error.message else f"{where}: {error.message}"
            remedy = _LARGE if error.reason is Reason.SIZE_EXCEEDED else _UNREACHED
            raise ApiError(what, unanswered=True, remedy=remedy) from None
        finally:
            await transport.aclose()
        return self._read(target.partition("?")[0], response)

    def _read(self, path: str, response: Response) -> Mapping[str, Any]:
        where = self.address.origin.authority
        # Whatever the answer names: a token goes to the configured address and to no other.
        if response.status in _REDIRECTS:
            raise ApiError(
                f"{where} redirects {path}, which is not followed",
                response.status,
                unanswered=True,
                remedy=_REDIRECTED,
            )
        if response.status != 200:
            # Without the body: services quote what they were sent.
            later = response.status >= 500 or response.status in _LATER
            raise ApiError(
                f"{where} answers HTTP {response.status} to {path}",
                response.status,
                unanswered=later,
                remedy=_BUSY if later else "",
                said=self.explain(response.body) if self.explain is not None else "",
            )
        try:
            return load_object(response.body, what="answer")
        except InvalidJson as error:
            raise ApiError(f"{where} sent {error.message}", unanswered=True, remedy=_NO_SERVICE) from None


def parse_address(text: str, path: str, example: str) -> Url:
    """Return the address of a service.

    Args:
        text: The address.
        path: The parameter that has it.
        example: What one looks like, for the message.

    Raises:
        ConfigurationError: It is no https URL (or http of this machine's loopback), or has a path.
    """
    url = safe_address(text)
    if url is None:
        raise ConfigurationError(
            address_fault(text),
            path=path,
            reason=Reason.KEY_UNAVAILABLE,
            remedy=f"Write one as {example}.",
        )
    return url


def safe_address(text: str) -> Url | None:
    """Return the address of a service; None unless it is https, or http of this machine's loopback, without a path."""
    try:
        url = Url.parse(text)
    except ValueError:
        return None
    safe = url.origin.scheme == "https" or is_loopback(url.origin.authority)
    return url if safe and url.target == "/" else None


def address_fault(text: str) -> str:
    """Return why a text is no address of a service, without the user and password that it may have."""
    shown = without_user(text)
    if not text:
        return "no address is given"
    if shown != text:
        return f"the address {shown[:120]!r} has a user or a password before its host"
    return f"{text[:120]!r} is no https address without a path"
