"""The contents of the Secret: an authority and a server certificate, each with its key; and which of them can be used.

The names are those of open-policy-agent/cert-controller, which Ratify v2 uses: `ca.crt`, `ca.key`, `tls.crt`, `tls.key`. In
`ca.crt` the authority that signs comes first; those that are still trusted come after it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.pem import InvalidPem, read_pem
from pyratify.pki.public_keys import WeakKey, check_public_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_DOCUMENT = 256 * 1024
MAX_AUTHORITIES = 8


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """The Service that the certificate is for.

    Attributes:
        name: Its name.
        namespace: Its namespace.
        more: Further DNS names, as one in another cluster domain, and addresses.
    """

    name: str
    namespace: str
    more: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names that its certificate has."""
        short = f"{self.name}.{self.namespace}"
        return (short, f"{short}.svc", f"{short}.svc.cluster.local", *self.more)

    @property
    def secret(self) -> str:
        """The name of the Secret, as Ratify v2's chart has it."""
        return f"{self.name}-tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretContents:
    """The documents of the Secret, unchecked.

    Attributes:
        authorities: `ca.crt`.
        authority_key: `ca.key`.
        certificate: `tls.crt`.
        key: `tls.key`.
        ours: Whether the Secret has the mark of a rotator.
    """

    authorities: bytes = b""
    authority_key: bytes = field(default=b"", repr=False)
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    managed: bool = False


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A certificate and its private key.

    Attributes:
        certificate: The certificate.
        key: The key.
    """

    certificate: "Certificate"
    key: Any = field(repr=False)

    @property
    def begins(self) -> datetime:
        """The first moment of its validity."""
        return self.certificate.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """The last moment of its validity."""
        return self.certificate.not_valid_after_utc

    def is_valid(self, now: datetime) -> bool:
        """Return whether now is within its validity, both ends included (RFC 5280, section 4.1.2.5)."""
        return self.begins <= now <= self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The parts of the contents that can be used, apart from their times.

    Attributes:
        trusted: The readable certificates of `ca.crt`.
        authority: The one of them that can sign: with its key, and with the usages of a new authority.
        leaf: The server certificate, when its key is there and fits.
        issuer: The one of `trusted` that issued it.
        names: The names and addresses in it; none when it is not for servers.
    """

    trusted: "tuple[Certificate, ...]" = ()
    authority: CertifiedKey | None = None
    leaf: CertifiedKey | None = None
    issuer: "Certificate | None" = None
    names: frozenset[str] = frozenset()


def examine(contents: SecretContents) -> Findings:
    """Parse the contents; a malformed part counts as missing, so that it is replaced."""
    trusted = _certificates(contents.authorities)[:MAX_AUTHORITIES]
    # The first alone is the server's own (RFC 8446, 4.4.2); the rest is its chain.
    leaf = _identity(_certificates(contents.certificate)[:1], contents.key)
    authority = _identity(trusted, contents.authority_key)
    return Findings(
        trusted=trusted,
        authority=authority if authority is not None and _may_sign(authority.certificate) else None,
        leaf=leaf,
        issuer=next((one for one in trusted if leaf and _is_issued(leaf.certificate, one)), None),
        names=_names(leaf.certificate) if leaf else frozenset(),
    )


def bundle(authorities: "Iterable[Certificate]") -> bytes:
    """Return certificates in PEM, one after another, as `caBundle` has them."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return b"".join(one.public_bytes(Encoding.PEM) for one in authorities)


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a server certificate as the Secret has it; replicas note it in the Lease."""
    return hashlib.sha256(certificate).hexdigest()


def _certificates(pem: bytes) -> "tuple[Certificate, ...]":
    if len(pem) > MAX_DOCUMENT:  # checked before parsing, which takes time for every block
        return ()
    try:
        blocks = read_pem(pem)
    except InvalidPem:
        return ()
    found = (_certificate(block.data) for block in blocks if block.label == "CERTIFICATE")
    return tuple(one for one in found if one is not None)


def _certificate(der: bytes) -> "Certificate | None":
    """Parse a certificate; unlike `parse_certificate`, accept the serial number 0, which cert-controller gives its authority."""
    from pyratify.pki.certificates import load_x509

    try:
        found = load_x509(der)
        found.public_key()  # only now is the key parsed
    except Exception:  # noqa: BLE001 - a key of an unknown kind, too, counts as missing
        return None
    return found


def _identity(certificates: "tuple[Certificate, ...]", key: bytes) -> CertifiedKey | None:
    """Return the first certificate that the key fits, with it."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not certificates or len(key) > MAX_DOCUMENT:
        return None
    try:
        private = load_pem_private_key(key, None)
    except Exception:  # noqa: BLE001 - an unreadable key counts as missing
        return None
    public = private.public_key()
    return next((CertifiedKey(one, private) for one in certificates if one.public_key() == public), None)


def _may_sign(certificate: "Certificate") -> bool:
    """Return whether it is a well-formed, self-signed authority with a strong key, as `make_authority` makes."""
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        parsed = parse_certificate(certificate.public_bytes(Encoding.DER))
        check_public_key(parsed.key)  # one that clients refuse would cut off all of them
    except (VerificationError, WeakKey):
        return False
    usages = parsed.key_usage.usages if parsed.key_usage else frozenset()
    return parsed.is_ca and parsed.is_self_signed and "keyCertSign" in usages


def _is_issued(leaf: "Certificate", issuer: "Certificate") -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - any error means that the signature was not verified
        return False
    return True


def _names(leaf: "Certificate") -> frozenset[str]:
    from cryptography.x509 import (
        DNSName,
        ExtendedKeyUsage,
        ExtensionNotFound,
        IPAddress,
        SubjectAlternativeName,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        names = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value
        purposes = leaf.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except (ExtensionNotFound, ValueError):
        return frozenset()
    if ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        return frozenset()
    addresses = (str(address) for address in names.get_values_for_type(IPAddress))
    return frozenset((*names.get_values_for_type(DNSName), *addresses))
