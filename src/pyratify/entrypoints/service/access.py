"""Authorization: by bearer token, by client certificate, or by being on this machine."""

import logging

from pyratify.core.dataclass import dataclass
from pyratify.entrypoints.service.bearer_tokens import TokenFile
from pyratify.entrypoints.service.problems import problem
from pyratify.serving.http.server import Reply, Request

_LOG = logging.getLogger("pyratify.service")
# Only names that no DNS server answers for: every other one may be rebound to this address.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Callers:
    """Which requests are authorized.

    Attributes:
        tokens: The accepted tokens; None where none is needed.
        hosts: The host names of this service; None where any is accepted, because a browser on a foreign page cannot send
            the token or certificate that is needed.
    """

    tokens: TokenFile | None = None
    hosts: frozenset[str] | None = None

    def misdirected(self, request: Request) -> Reply | None:
        """Return the refusal of a request for another host name: a foreign one may be rebound to this address (DNS rebinding)."""
        if self.hosts is None or _host(request) in self.hosts:
            return None
        return problem(
            421,  # RFC 9110, section 15.5.20
            "HOST_UNKNOWN",
            "this service is not asked under this name",
            "Ask it as localhost, name the host with --host, or give --token-file.",
        )

    def refusal(self, request: Request) -> Reply | None:
        """Return the refusal of a request for data, or None for an authorized one."""
        # First: a page of a rebound name counts as same-origin in the check below.
        wrong = self.misdirected(request)
        if wrong is not None:
            return wrong
        # Sent by browsers alone (W3C Fetch Metadata); a page of another site cannot forge or leave it out.
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            return problem(403, "CROSS_SITE", "pages of other sites are not answered")
        if self.tokens is None:
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        # The scheme is compared without regard to case (RFC 9110, section 11.1).
        if scheme.lower() != "bearer" or not token.strip():
            # No error code, as RFC 6750, section 3.1, asks where no credential was sent.
            return _unauthorized("a token is needed", 'Bearer realm="ratify"')
        if not self.tokens.admits(token.strip()):
            return _unauthorized("this token is not accepted", 'Bearer realm="ratify", error="invalid_token"')
        return None


def _host(request: Request) -> str:
    """Return the host that a request means, without its port."""
    text = request.headers.get("Host", "").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else text


def _unauthorized(detail: str, challenge: str) -> Reply:
    # Never the token: a mistyped one is close to a real one.
    _LOG.warning("not admitted", extra={"error": detail})
    remedy = "Send the header Authorization: Bearer TOKEN, with a token of the service's token file."
    return problem(401, "UNAUTHORIZED", detail, remedy, {"WWW-Authenticate": challenge})
