"""Makes the client of an Open Policy Agent from its options."""

from functools import partial
from typing import Protocol

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Resources
from pyratify.http.http_options import HttpOptions
from pyratify.http.json_api import JsonApi, address_fault, safe_address
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.http.url import Url
from pyratify.pki.certificate_authorities import read_authorities
from pyratify.policies.opa_client import OpaClient, opa_error

_UNIX = "unix:"
_STAND_IN = "https://stand-in.invalid"
_CERTIFICATES = "Name a file with certificates, in PEM or DER."


class OpaAddress(Protocol):
    """What says where an OPA is."""

    @property
    def url(self) -> str:
        """Its address."""
        ...

    @property
    def token(self) -> str:
        """Its bearer token; empty for none."""
        ...

    @property
    def ca_file(self) -> str:
        """CA certificates that replace the system's; empty for the system's."""
        ...

    @property
    def strict_builtin_errors(self) -> bool:
        """Whether an error of a built-in function is an error."""
        ...


def connect_opa(options: OpaAddress, seconds: float, resources: Resources) -> OpaClient:
    """Return the client; nothing is sent yet.

    Raises:
        ConfigurationError: The address is none, or the CA certificates cannot be used.
    """
    socket = ""
    address = safe_address(options.url)
    if options.url.startswith(_UNIX):
        # `unix:/run/opa.sock` and `unix:///run/opa.sock` are the same socket; `unix://run/opa.sock` has a host.
        socket = options.url.removeprefix(_UNIX).removeprefix("//")
        if not socket.startswith("/") or not socket.strip("/"):
            raise ConfigurationError(
                f"{options.url[:200]!r} names no socket by its whole path",
                path="opa.url",
                remedy="Write unix:/run/opa.sock.",
                stand_in=_STAND_IN,
            )
        # HTTP needs a host; over a socket it is never resolved.
        address = Url.parse("http://localhost/")
    if address is None:
        raise ConfigurationError(
            address_fault(options.url),
            path="opa.url",
            remedy="Write one as https://opa.example.com:8181, http://127.0.0.1:8181 or unix:/run/opa.sock.",
            stand_in=_STAND_IN,
        )
    ca = read_authorities(options.ca_file, resources.base, "opa.caFile")
    settings = HttpOptions(ca_pem=ca, destinations=resources.shared.destinations, unix_socket=socket)
    try:
        # Now: certificates that cannot be used are a mistake of the configuration.
        asyncio_transport(settings)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{options.ca_file}: {error.detail}", path="opa.caFile", remedy=_CERTIFICATES
        ) from None
    api = JsonApi(address, partial(asyncio_transport, settings), seconds, explain=opa_error)
    return OpaClient(
        api, f"unix:{socket}" if socket else "", _token(options.token), options.strict_builtin_errors
    )


def _token(token: str) -> str:
    # A header field (RFC 9110, 5.5): with a line break, as at the end of a file, no request could be sent.
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError(
            "the token has a blank, a line break or another character that no token has",
            path="opa.token",
            remedy="Write the token alone, or its file as file:/run/secrets/opa-token.",
            stand_in="",
        )
    return token
