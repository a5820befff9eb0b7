"""What is refused in a response, and the errors for failures of the network."""

import re
import socket
import ssl

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.transport import Headers, Request
from pyratify.http.url import Origin, Url

_FRAMING = 16 * 1024
_FRAMING_PART = (
    8  # and one more for so many bytes of the body: chunks of 48 bytes are the smallest in a large one
)
# Nineteen digits are enough for 63 bits; int() raises for thousands of them.
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)
_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9a-z-]+\n[^\x00-\x08\x0a-\x1f\x7f]*\n)*", re.ASCII)
# OpenSSL's reasons when the first bytes are no TLS record; which one depends on its version and the bytes.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
)


class ConnectionLost(StoreError):
    """The connection ended before the answer did (RFC 9112, section 8); asking again may help."""


class TryLater(StoreError):
    """The server asks for a longer wait than there is time for (RFC 9110, section 10.2.3); asking again sooner is no use."""


def check_headers(request: Request, status: int, headers: Headers) -> int | None:
    """Refuse an answer that could be read in two ways, or that is larger than allowed, before its body is read.

    Returns:
        The number of bytes announced, if any.

    Raises:
        StoreError: `REGISTRY_ERROR`, `SIZE_MISMATCH`, `SIZE_EXCEEDED` or `CONTENT_ENCODING`.
    """
    if not _are_readable(headers.fields):
        raise malformed(request.url, "a header field cannot be read")
    length = _length(request.url, headers)
    if status != 200:
        return length
    # Digests are over the bytes as stored, and decoding could make any number of bytes of a few.
    encoding = headers.get("content-encoding") or "identity"
    if encoding.strip().lower() != "identity":
        raise StoreError(
            Reason.CONTENT_ENCODING,
            f"{request.url.origin.authority} sent content encoded as {encoding[:40]!r}",
        )
    # What the descriptor's size is for: a check before the content is processed (OCI image-descriptor.md).
    if length is not None and request.expected is not None and length != request.expected:
        raise StoreError(
            Reason.SIZE_MISMATCH,
            f"{request.url.origin.authority} announces {length} bytes, not the {request.expected} expected",
        )
    if length is not None and length > request.limit:
        raise too_large(request, length)
    return length


def check_end(request: Request, received: int, announced: int | None) -> None:
    """Refuse a body that ended early.

    Raises:
        StoreError: `SIZE_MISMATCH`.
    """
    if announced is not None and received != announced:
        raise ConnectionLost(
            Reason.SIZE_MISMATCH,
            f"{request.url.origin.authority} announced {announced} bytes and sent {received}",
        )


def check_framing(url: Url, framing: int, body: int) -> None:
    """Refuse a body whose chunks have more framing than any server needs: small ones, and extensions, without end.

    Args:
        url: The target.
        framing: The bytes of sizes, extensions and line ends so far (RFC 9112, section 7.1).
        body: The bytes of the body so far.

    Raises:
        StoreError: `REGISTRY_ERROR`.
    """
    # A ratio, not a number of chunks: a large body may rightly have many.
    if framing > _FRAMING + body // _FRAMING_PART:
        raise malformed(url, f"{framing} bytes frame the chunks of a body that has {body} so far")


def too_large(request: Request, announced: int | None = None) -> StoreError:
    """Return the refusal of a body that is larger than allowed, by its announced length or by what has come of it."""
    found = "sends" if announced is None else f"announces {announced} bytes,"
    return StoreError(
        Reason.SIZE_EXCEEDED,
        f"{request.url.origin.authority} {found} more than the {request.limit} bytes allowed",
    )


def malformed(url: Url, what: str) -> StoreError:
    """Return the refusal of an answer that is not HTTP."""
    return StoreError(Reason.REGISTRY_ERROR, f"{url.origin.authority} sent what is no HTTP: {what[:120]}")


def proxy_refusal(proxy: str, url: Url, status: int) -> StoreError:
    """Return the failure of a proxy that makes no tunnel."""
    return StoreError(
        Reason.REGISTRY_UNREACHABLE,
        f"the proxy {proxy} refuses a tunnel to {url.origin.authority}: HTTP {status}",
    )


def timed_out(url: Url, seconds: float) -> StoreError:
    """Return the failure of a request that took too long."""
    return StoreError(Reason.TIMEOUT, f"{url.origin.authority} did not answer within {seconds:.3g} seconds")


def network_error(url: Url, error: Exception, proxy: Origin | None = None) -> StoreError:
    """Return what an error of the operating system or of TLS means.

    Args:
        url: The target.
        error: The error.
        proxy: The proxy that the request went through.
    """
    if proxy is None or isinstance(error, ssl.SSLError):  # TLS is spoken with the registry, through the proxy
        return _network_error(url, error, None)
    found = _network_error(url, error, proxy)
    remedy = "See whether the proxy runs; it is named by HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, and NO_PROXY makes exceptions."
    # The same class: ConnectionLost has to stay one, or the request is not sent again.
    return type(found)(found.reason, found.message, remedy=remedy)


def _network_error(url: Url, error: Exception, proxy: Origin | None) -> StoreError:
    host = url.origin.authority if proxy is None else f"the proxy {proxy} to {url.origin.authority}"
    # An end in the middle of TLS is a lost connection, to be tried again; it says nothing of a certificate.
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls_error(host, error)
    if isinstance(error, TimeoutError):
        return StoreError(Reason.TIMEOUT, f"{host} did not answer in time")
    if isinstance(error, ConnectionError | ssl.SSLError) and not isinstance(error, ConnectionRefusedError):
        return ConnectionLost(Reason.REGISTRY_UNREACHABLE, f"{host} closed the connection")
    if isinstance(error, socket.gaierror):
        return StoreError(
            Reason.REGISTRY_UNREACHABLE, f"the name of {host} cannot be resolved: {error.strerror}"
        )
    text = getattr(error, "strerror", None) or type(error).__name__
    return StoreError(Reason.REGISTRY_UNREACHABLE, f"{host} cannot be reached: {text}")


def is_not_tls(error: ssl.SSLError) -> bool:
    """Return whether a handshake failed because the other side speaks something else, or hung up."""
    return (error.reason or "") in _NOT_TLS or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _tls_error(host: str, error: ssl.SSLError) -> StoreError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return StoreError(
            Reason.TLS_VERIFY, f"the certificate of {host} is not trusted: {error.verify_message}"
        )
    reason = error.reason or "unknown"
    if reason in _NOT_TLS:
        return StoreError(Reason.TLS_REQUIRED, f"{host} does not speak TLS on this port ({reason})")
    return StoreError(Reason.TLS_VERIFY, f"TLS with {host} failed ({reason})")


def _are_readable(fields: tuple[tuple[str, str], ...]) -> bool:
    """Return whether every name is a token and no value has a control character (RFC 9110, section 5.5)."""
    text = "".join(f"{name}\n{value}\n" for name, value in fields)
    # the line breaks are ours alone, or their number would be another
    return text.count("\n") == 2 * len(fields) and _FIELDS.fullmatch(text) is not None


def _length(url: Url, headers: Headers) -> int | None:
    lengths = headers.get_all("content-length")
    if not lengths:
        return None
    # RFC 9112 6.3, item 3: two readers could end the body at different places (request smuggling).
    if headers.get("transfer-encoding") is not None:
        raise malformed(url, "both Content-Length and Transfer-Encoding")
    # Repeated lengths are refused even where they are equal, as RFC 9110 8.6 permits.
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0].strip(" \t")):
        raise StoreError(
            Reason.SIZE_MISMATCH, f"{url.origin.authority} announces a length that is no number of bytes"
        )
    return int(lengths[0])
