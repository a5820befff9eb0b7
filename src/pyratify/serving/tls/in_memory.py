"""A server's identity in memory: given while the server runs, and written nowhere.

OpenSSL loads a key from a file only, so it is handed one that has no name and is gone when it is closed; where the system has no
such files, one in a folder of mode 0700, for as long as it is read.
"""

import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.serving.tls.reloading import NoCertificate, TlsFiles, context_of, read, trust


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key.

    Attributes:
        certificate: The certificate chain in PEM.
        key: The private key in PEM.
    """

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(slots=True)
class TlsMemory:
    """A server's identity that is given, beside the authorities of clients from a file.

    Attributes:
        client_ca: The authorities of clients; without them any client is served.
        before: Files to use, if they are good, until an identity is given; without them no client is served until then.
    """

    client_ca: Path | None = None
    before: TlsFiles | None = None
    _pair: Pair | None = None

    def give(self, certificate: bytes, key: bytes) -> None:
        """Have this pair used from the next reload on; arguments as in `Pair`."""
        self._pair = Pair(certificate, key)

    def fingerprint(self) -> str:
        """Return a hash of what there is now; errors as in `TlsSource.fingerprint`."""
        clients = read(self.client_ca) if self.client_ca is not None else b""
        pair = self._now()
        # Each part is hashed alone, so that no byte can move from one to the next unnoticed.
        parts = (pair.certificate, pair.key, clients)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of what there is now; errors as in `TlsSource.context`."""
        pair = self._now()
        try:
            with _nameless(pair.certificate) as certificate, _nameless(pair.key) as key:
                context = context_of(certificate, key, name="in memory")
        except ConfigurationError as error:
            # Files from before are only a bridge: without good ones, the identity is waited for.
            if self._pair is None:
                raise NoCertificate(f"there is no certificate yet: {error.message}") from None
            raise
        return trust(context, self.client_ca)

    def certificate_pem(self) -> bytes:
        """Return the certificate chain in PEM; errors as in `TlsSource.context`."""
        return self._now().certificate

    def _now(self) -> Pair:
        if self._pair is not None:
            return self._pair
        # A mounted Secret is empty until it is filled for the first time.
        if self.before is not None and self.before.certificate.exists() and self.before.key.exists():
            return Pair(read(self.before.certificate), read(self.before.key))
        raise NoCertificate("there is no certificate yet")


@contextmanager
def _nameless(content: bytes) -> Iterator[Path]:
    """Yield the path of a file with this content, which no other user can open and which is gone at the end."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryDirectory(prefix="pyratify-") as folder:  # of mode 0700
            path = Path(folder, "identity.pem")
            # The mode is set when the file is made: a later chmod would leave a moment to open it.
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(content)
            yield path
        return
    # Without MFD_CLOEXEC, programs that plugins start would inherit the key.
    with os.fdopen(os.memfd_create("pyratify-identity", os.MFD_CLOEXEC), "wb") as file:
        file.write(content)
        # OpenSSL opens the path by itself and sees only what has left Python's buffer.
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")
