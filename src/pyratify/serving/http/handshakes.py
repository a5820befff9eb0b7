"""The reasons of failed TLS handshakes, the commonest fault of a set-up, which the event loop does not report.

`SSLContext.sslobject_class` is the documented place to see it (https://docs.python.org/3/library/ssl.html).
"""

import ssl
from collections.abc import Callable
from typing import cast

Note = Callable[[str, str], None]
"""Called with the kind of a failure, one word of a small set, and one sentence."""

_KINDS = {
    "HTTP_REQUEST": ("plain_http", "the client spoke plain http; this address is served with https"),
    "HTTPS_PROXY_REQUEST": (
        "plain_http",
        "the client took this address for a proxy; it is served with https",
    ),
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "no_certificate",
        "the client showed no certificate; one of the clients' authority is needed",
    ),
    "UNSUPPORTED_PROTOCOL": ("tls_version", "the client speaks no TLS 1.3"),
    "WRONG_VERSION_NUMBER": ("not_tls", "the client did not speak TLS"),
    "NO_SUITABLE_SIGNATURE_ALGORITHM": ("no_identity", "there is no certificate to serve with"),
    "NO_SHARED_CIPHER": ("no_identity", "there is no certificate to serve with that the client can use"),
}
_ALERT = "_ALERT_"


def watch_handshakes(context: ssl.SSLContext, note: Note) -> None:
    """Have every handshake of a server's context that fails noted.

    Args:
        context: The context that connections begin with.
        note: Called with the reason; the handshake fails all the same.
    """

    class Watched(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            # No failures: the handshake goes on when the next bytes arrive.
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                note(*explain(error))
                raise

    context.sslobject_class = Watched


def explain(error: ssl.SSLError) -> tuple[str, str]:
    """Return the kind of a failed handshake, and a sentence that says why it failed."""
    reason = getattr(error, "reason", None) or ""  # errors of Python's own have none
    # Before the table: its reason says only that verification failed, its message says why.
    if isinstance(error, ssl.SSLCertVerificationError):
        return "foreign_certificate", f"the client's certificate was not accepted: {error.verify_message}"
    # Alerts come from the client, which is the one that refuses (RFC 8446, section 6.2).
    if _ALERT in reason:
        said = reason.partition(_ALERT)[2].replace("_", " ").lower()
        return "refused_by_client", f"the client refused this server's certificate or settings: {said}"
    return _KINDS.get(
        reason, ("handshake", f"the TLS handshake failed: {reason.replace('_', ' ').lower() or error}")
    )


def has_name(connection: ssl.SSLObject | None, names: frozenset[str]) -> bool:
    """Return whether a client's certificate, which the handshake has verified, has one of these names.

    Args:
        connection: The client's connection; None for plain http.
        names: Common names, or DNS names of the subject's alternative names; compared as they are.
    """
    certificate = connection.getpeercert() if connection is not None else None
    if not certificate:
        return False
    # No wildcards: a name identifies one client, and does not stand for a set of servers.
    found = {value for kind, value in _pairs(certificate.get("subjectAltName")) if kind == "DNS"}
    for part in cast("tuple[object, ...]", certificate.get("subject", ())):
        found |= {value for kind, value in _pairs(part) if kind == "commonName"}
    return not names.isdisjoint(found)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return cast("tuple[tuple[str, str], ...]", value or ())
