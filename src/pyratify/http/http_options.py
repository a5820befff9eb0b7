"""The settings of the HTTP client."""

from pyratify.core.addresses import Destinations
from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The settings of one transport.

    Attributes:
        ca_pem: CA certificates that replace the system's, for requests with `Trust.ca`.
        client_cert_file: The client certificate, for requests with `Trust.client_certificate`.
        client_key_file: Its key; empty when it is in the certificate's file.
        proxy_from_environment: Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count.
        max_connections: How many requests one origin is sent at the same time; others wait, or are refused as REGISTRY_BUSY.
        connect_timeout: Seconds for one connection.
        destinations: Bounds every target, whether configured or named by a server; None where the configuration may name any
            address.
        unix_socket: The path of a Unix socket that every request goes to, whatever its URL; empty for none.
    """

    ca_pem: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    proxy_from_environment: bool = True
    # As much work as one registry is given at the same time (decision 0026).
    max_connections: int = 128
    connect_timeout: float = 5.0
    destinations: Destinations | None = None
    unix_socket: str = ""
