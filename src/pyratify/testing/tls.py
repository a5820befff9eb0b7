"""A certificate authority made on the fly, for servers on this machine; its keys live only as long as the test."""

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# Also back from now, for clocks that differ a little.
_LIFETIME = timedelta(days=1)


class Authority:
    """A test's certificate authority.

    Args:
        name: Its common name.

    Attributes:
        pem: Its certificate in PEM.
    """

    def __init__(self, name: str = "pyratify test only CA") -> None:
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key, ())
        self.pem = self._certificate.public_bytes(Encoding.PEM).decode("ascii")

    def issue(self, common_name: str, *hosts: str) -> bytes:
        """Return a new key and its certificate for these host names and addresses, both in one PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = tuple(_general_name(host) for host in hosts)
        certificate = self._sign(common_name, key, names)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private + certificate.public_bytes(Encoding.PEM)

    def server_context(self, *hosts: str, client_certificates: bool = False) -> ssl.SSLContext:
        """Return a server's TLS context.

        Args:
            hosts: The names and addresses in its certificate; 127.0.0.1 and localhost when omitted.
            client_certificates: Whether clients are asked, but not made, to show a certificate of this authority.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # `load_cert_chain` reads files only; the key is gone from disk once it is loaded.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(self.issue("simulator", *(hosts or ("127.0.0.1", "localhost"))))
            context.load_cert_chain(path)
        if client_certificates:
            context.load_verify_locations(cadata=self.pem)
            # Optional, so that a test can tell a client that shows none from one that is refused.
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, hosts: tuple[x509.GeneralName, ...]
    ) -> x509.Certificate:
        is_authority = key is self._key
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFETIME)
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(_usage(is_authority=is_authority), critical=True)
            # Python 3.13 verifies strictly (VERIFY_X509_STRICT), which demands both identifiers.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if hosts:
            # Clients look at this extension only, never at the common name (RFC 9110, section 4.3.4).
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(self._key, SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    """Return the key usage that Python 3.13's strict verification asks for (RFC 5280, section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        # Addresses are compared with iPAddress entries only (RFC 5280, section 4.2.1.6).
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
