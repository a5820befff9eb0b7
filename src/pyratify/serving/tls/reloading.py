"""TLS 1.3 for servers, with certificate, key and client CA exchanged while the server runs.

Every handshake gets the whole current context: certificate, key and CA change together or not at all. There are no
session tickets, so no client resumes a session that an older CA admitted.
"""

import asyncio
import hashlib
import logging
import math
import ssl
import threading
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file

_LOG = logging.getLogger("pyratify.serving.tls")
_MAX_BYTES = 1024 * 1024


class NoCertificate(ConfigurationError):
    """There is no certificate yet; it may come while the server runs."""


class TlsSource(Protocol):
    """Where a server's identity and the authorities of its clients come from."""

    @property
    def client_ca(self) -> Path | None:
        """The authorities of clients; without them any client is served."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of what there is now.

        Raises:
            ConfigurationError: A part of it cannot be read.
        """
        ...

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of what there is now.

        Raises:
            NoCertificate: There is no certificate yet.
            ConfigurationError: It is malformed, or key and certificate do not belong together.
        """
        ...

    def certificate_pem(self) -> bytes:
        """Return the certificate chain in PEM; errors as in `context`."""
        ...


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
            # Each file is hashed alone, so that no byte can move from one to the next unnoticed.
            found.update(hashlib.sha256(read(path)).digest())
        return found.hexdigest()

    def context(self) -> ssl.SSLContext:
        """Return the TLS context that the files describe now.

        Raises:
            ConfigurationError: A file is missing, empty or malformed, or key and certificate do not belong together.
        """
        return trust(context_of(self.certificate, self.key), self.client_ca)

    def certificate_pem(self) -> bytes:
        """Return the certificate chain in PEM; errors as in `context`."""
        return read(self.certificate)


@dataclass(slots=True)
class ReloadingTls:
    """A server's TLS that follows its source.

    Attributes:
        source: The source.
        fault: Why what is there now is not in use; the last good is.
        expires: When the certificate in use ends; None while there is none.
        context: What the server listens with.
    """

    source: TlsSource
    fault: ConfigurationError | None = None
    expires: datetime | None = field(init=False, default=None)
    context: ssl.SSLContext = field(init=False)
    _current: ssl.SSLContext = field(init=False)
    _seen: str = field(init=False, default="")
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.context = _bare()
        if self.source.client_ca is not None:
            # The exchange below takes certificate and authorities along, not the mode (SSL_set_SSL_CTX(3)).
            self.context.verify_mode = ssl.CERT_REQUIRED
        # Called for clients that send no name, too; so no handshake ends with the bare context.
        self.context.sni_callback = self._exchange
        self._current = _without_identity(self.context)
        try:
            self._use()
        except NoCertificate as error:
            self.fault = error

    def reload(self) -> bool:
        """Use the source's certificates if they changed and are valid; return whether they are newly in use.

        A client CA file without a certificate admits no client from then on: never all of them, nor those of the previous CA.
        """
        # The rotator and the watch reload from different threads.
        with self._lock:
            try:
                if not self._use():
                    return False
            except ConfigurationError as error:
                # Once: the same fault is found again every five seconds.
                if self.fault is None or self.fault.message != error.message:
                    _LOG.error("certificates were not exchanged", extra={"error": error.message})
                self.fault, self._seen = error, ""  # so that the same files are used again when they are back
                if isinstance(error, _EmptyAuthorities):
                    self._current = _without_identity(self._current)
                return False
        _LOG.info("certificates were exchanged", extra={"expires": str(self.expires)})
        return True

    def unready_reason(self, now: datetime) -> str:
        """Return why clients are not served as they should be, or an empty text."""
        if self.fault is not None:
            return self.fault.message
        if self.expires is not None and now > self.expires:
            return f"the certificate ended at {self.expires:%Y-%m-%dT%H:%M:%SZ}"
        return ""

    def seconds_left(self, now: datetime) -> float:
        """Return in how many seconds the certificate in use ends: less than 0 when it has, not a number while there is none."""
        return math.nan if self.expires is None else (self.expires - now).total_seconds()

    def outdated(self, connection: ssl.SSLObject) -> bool:
        """Return whether a connection was made with what has been exchanged since."""
        # By identity: contexts are never changed after they were put in use.
        return connection.context is not self._current

    async def watch(self, clock: Clock, seconds: float = 5.0) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await clock.sleep(seconds)
            # A mounted file system may be slow, and requests must not wait for it.
            await asyncio.to_thread(self.reload)

    def _use(self) -> bool:
        seen = self.source.fingerprint()
        if seen == self._seen:
            return False
        # Everything that can fail comes before the assignment, so that the last good stays whole.
        fresh, expires = self.source.context(), _ends(self.source.certificate_pem())
        self._current, self.expires, self._seen, self.fault = fresh, expires, seen, None
        return True

    def _exchange(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        del name, context
        connection.context = self._current


class _EmptyAuthorities(ConfigurationError):
    pass


def context_of(certificate: Path, key: Path, *, name: str = "") -> ssl.SSLContext:
    """Return the TLS context of these files, for clients of any authority.

    Args:
        certificate: As in `TlsFiles`.
        key: As in `TlsFiles`.
        name: What errors call the certificate; its path when omitted.

    Raises:
        ConfigurationError: A file is missing, empty or malformed, or key and certificate do not belong together.
    """
    context = _bare()
    try:
        # Without the callback OpenSSL would ask for a password on the terminal, and wait.
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"the certificate {name or certificate} and its key cannot be used: {_why(error)}",
            remedy="Give a certificate in PEM, its chain after it, and the private key that belongs to it, without a password.",
        ) from None
    return context


def trust(context: ssl.SSLContext, client_ca: Path | None) -> ssl.SSLContext:
    """Return the context, from then on only for clients of these authorities; of any, where there are none given.

    Raises:
        ConfigurationError: The file is missing, empty or malformed.
    """
    if client_ca is None:
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    text = read(client_ca).decode("ascii", "replace")
    # An emptied file withdraws all trust, where one that cannot be read is a fault to wait out.
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise _EmptyAuthorities(f"the client CA file {client_ca} has no certificate")
    try:
        context.load_verify_locations(cadata=text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the client CA file {client_ca} cannot be used: {_why(error)}") from None
    return context


def _ends(pem: bytes) -> datetime:
    from pyratify.pki.certificates import load_x509  # lazy: cryptography is slow to import

    try:
        return load_x509(pem, pem=True).not_valid_after_utc
    except ValueError:
        raise ConfigurationError("the certificate cannot be read") from None


def _bare() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Gatekeeper demands it: externaldata.md, "TLS and mutual TLS support".
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A resumed session (RFC 8446, section 2.2) shows no certificate that a new authority could refuse.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    # Clients in Go prefer h2 wherever it is not ruled out; aiohttp serves HTTP/1.1 alone.
    context.set_alpn_protocols(["http/1.1"])
    return context


def _without_identity(good: ssl.SSLContext) -> ssl.SSLContext:
    """Return a context with which no handshake succeeds: it has no certificate of its own and trusts no client."""
    context = _bare()
    context.verify_mode = good.verify_mode
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def read(path: Path) -> bytes:
    """Return the content of a PEM file.

    Raises:
        ConfigurationError: It cannot be read, or is larger than 1 MiB: authorities behind the limit would be missing silently.
    """
    try:
        return read_file(path, _MAX_BYTES)
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} {error}", remedy="Name a readable PEM file.") from None


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
