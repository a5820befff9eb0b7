"""TLS contexts: one for each kind of trust, never without verification."""

import ssl

from pyratify.core.errors import ConfigurationError
from pyratify.http.http_options import HttpOptions
from pyratify.http.transport import REGISTRY, Trust


class TlsContexts:
    """Makes and keeps the contexts of one transport.

    The environment's key log is not honoured; the system's CA certificates are found as OpenSSL finds them.

    Args:
        options: Where the CA certificates and the client certificate come from.

    Raises:
        ConfigurationError: A certificate or key cannot be used.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._contexts: dict[tuple[bool, bool], ssl.SSLContext] = {}
        if options.ca_pem or options.client_cert_file:
            # Configured files are read at once, so that an error shows at the start. The system's are loaded
            # when needed: that takes tens of milliseconds.
            self.context(REGISTRY)

    def context(self, trust: Trust) -> ssl.SSLContext:
        """Return the context for requests of this trust."""
        private = trust.ca and bool(self._options.ca_pem)
        shows = trust.client_certificate and bool(self._options.client_cert_file)
        if (private, shows) not in self._contexts:
            self._contexts[private, shows] = self._make(private, shows)
        return self._contexts[private, shows]

    def _make(self, private: bool, shows: bool) -> ssl.SSLContext:
        # Not create_default_context: it would write session keys to the file that SSLKEYLOGFILE names.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name
        # TLS 1.0 and 1.1 are deprecated (RFC 8996); the system's policy may allow them still.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A server that prefers HTTP/2 must be told that this parser has none.
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Instead of the system's: no public authority can vouch for a private registry.
            if private:
                context.load_verify_locations(cadata=self._options.ca_pem)
            else:
                context.load_default_certs()
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(f"the CA certificates cannot be read: {error}", path="caPem") from None
        if shows:
            self._load_client_certificate(context)
        return context

    def _load_client_certificate(self, context: ssl.SSLContext) -> None:
        try:
            key = self._options.client_key_file or None
            # An empty password: without one OpenSSL asks on the terminal, and a server would hang.
            context.load_cert_chain(self._options.client_cert_file, key, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigurationError(
                f"the client certificate cannot be used: {error}", path="clientCertFile"
            ) from None
