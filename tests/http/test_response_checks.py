"""What failures of the network are called."""

import socket
import ssl

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.response_checks import ConnectionLost, check_headers, network_error
from pyratify.http.transport import Headers, Request
from pyratify.http.url import Url

HERE = Url.parse("https://reg.example.com/v2/")


def _tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "reason", "again"),
    [
        (ConnectionResetError(), Reason.REGISTRY_UNREACHABLE, True),
        (BrokenPipeError(), Reason.REGISTRY_UNREACHABLE, True),
        (ssl.SSLEOFError(8, "EOF"), Reason.REGISTRY_UNREACHABLE, True),
        (ConnectionRefusedError(111, "Connection refused"), Reason.REGISTRY_UNREACHABLE, False),
        (socket.gaierror(-2, "Name or service not known"), Reason.REGISTRY_UNREACHABLE, False),
        (OSError(101, "Network is unreachable"), Reason.REGISTRY_UNREACHABLE, False),
        (OSError("no address"), Reason.REGISTRY_UNREACHABLE, False),
        (TimeoutError(), Reason.TIMEOUT, False),
        (_tls("WRONG_VERSION_NUMBER"), Reason.TLS_REQUIRED, False),
        (_tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), Reason.TLS_VERIFY, False),
        (ssl.SSLCertVerificationError(1, "x"), Reason.TLS_VERIFY, False),
    ],
)
def test_a_failure_is_told_by_its_cause(error: Exception, reason: Reason, again: bool) -> None:
    """Each has its reason, the host in its message, and only a lost connection is worth another try."""
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"
    failure = network_error(HERE, error)
    assert failure.reason is reason
    assert "reg.example.com" in failure.message
    assert isinstance(failure, ConnectionLost) is again


GOOD = ("etag", '"x"')


@pytest.mark.parametrize(
    "field",
    [
        ("", "y"),
        ("x y", "z"),
        ("x:y", "z"),
        ("x\ny", "z"),
        ("x", "y\nz"),
        ("x", "y\n"),
        ("x\n", ""),
        ("x", "y\nz\nlocation"),
        ("x", "y\r"),
        ("x", "\x00"),
        ("x", "\x7f"),
        ("\u017f", "y"),
    ],
)
@pytest.mark.parametrize("before", [(), (GOOD,)])
@pytest.mark.parametrize("after", [(), (GOOD,)])
def test_one_field_that_cannot_be_read_spoils_the_answer(
    field: tuple[str, str], before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]
) -> None:
    """Wherever it stands: no field becomes two, and no two become one."""
    with pytest.raises(StoreError) as caught:
        check_headers(Request(HERE, 10), 200, Headers((*before, field, *after)))
    assert caught.value.reason is Reason.REGISTRY_ERROR


@pytest.mark.parametrize("value", ["", "a\tb", "\x80\xff", "a: b", "x" * 70_000])
def test_fields_that_can_be_read_are_let_through(value: str) -> None:
    """Neither text beyond ASCII nor length is checked here."""
    assert (
        check_headers(Request(HERE, 10), 200, Headers((("x-a", value), GOOD, ("content-length", "3")))) == 3
    )
