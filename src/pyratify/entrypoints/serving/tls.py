"""TLS 1.3 for servers, with certificate, key and client CA exchanged while the server runs.

Every handshake gets the whole context of the moment: certificate, key and CA change together or not at all. There are no
session tickets, so nobody resumes a session that an older CA admitted.
"""

import asyncio
import hashlib
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError

_LOG = logging.getLogger("pyratify.serving.tls")
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a server's identity.

    Attributes:
        certificate: Its certificate chain in PEM.
        key: Its private key in PEM, without a password.
        client_ca: The authorities of clients; without them any client is served.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def fingerprint(self) -> str:
        """Return a hash of what the files hold now.

        Raises:
            ConfigurationError: One of them cannot be read.
        """
        found = hashlib.sha256()
        for path in (self.certificate, self.key, *([self.client_ca] if self.client_ca else [])):
            found.update(hashlib.sha256(_read(path)).digest())
        return found.hexdigest()

    def context(self) -> ssl.SSLContext:
        """Return the TLS context that the files describe now.

        Raises:
            ConfigurationError: A file is missing, empty or malformed, or key and certificate do not belong together.
        """
        context = _bare()
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigurationError(
                f"the certificate {self.certificate} and its key cannot be used: {_why(error)}"
            ) from None
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            _trust(context, self.client_ca)
        return context


@dataclass(slots=True)
class ReloadingTls:
    """A server's TLS that follows its files.

    Attributes:
        files: The files.
        fault: Why the files of the moment are not in use; the last good ones are.
    """

    files: TlsFiles
    fault: ConfigurationError | None = None
    context: ssl.SSLContext = field(init=False)
    _current: ssl.SSLContext = field(init=False)
    _seen: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._seen = self.files.fingerprint()
        self._current = self.files.context()
        self.context = self.files.context()
        self.context.sni_callback = self._exchange

    def reload(self) -> bool:
        """Use the files of the moment if they changed and are good; tell whether they are used now.

        A client CA without any certificate admits nobody from then on: it never admits everybody, nor those of before.
        """
        try:
            seen = self.files.fingerprint()
            if seen == self._seen:
                return False
            self._current = self.files.context()
        except ConfigurationError as error:
            if self.fault is None or self.fault.message != error.message:
                _LOG.error("certificates were not exchanged", extra={"error": error.message})
            self.fault = error
            if isinstance(error, _EmptyAuthorities):
                self._current = _nobody(self._current)
            return False
        self._seen, self.fault = seen, None
        _LOG.info("certificates were exchanged")
        return True

    async def watch(self, clock: Clock, seconds: float = 5.0) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await clock.sleep(seconds)
            await asyncio.to_thread(self.reload)

    def _exchange(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        del name, context
        connection.context = self._current


class _EmptyAuthorities(ConfigurationError):
    pass


def _bare() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    text = _read(path).decode("ascii", "replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise _EmptyAuthorities(f"the client CA file {path} has no certificate")
    try:
        context.load_verify_locations(cadata=text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the client CA file {path} cannot be used: {_why(error)}") from None


def _nobody(good: ssl.SSLContext) -> ssl.SSLContext:
    """Return a context with which no handshake succeeds: it has no certificate of its own and trusts no client."""
    context = _bare()
    context.verify_mode = good.verify_mode
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
