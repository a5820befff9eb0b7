"""Make authorities and server certificates: ECDSA on P-256, random serial numbers (RFC 5280)."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.rotation.secret_contents import CertifiedKey, ServiceNames

if TYPE_CHECKING:
    from cryptography import x509

# All of them, because x509.KeyUsage has no defaults
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Periods of certificates and of their renewal.

    Attributes:
        authority: Validity of an authority.
        renew_authority: Time before its end at which there is a new one.
        leaf: Validity of a server certificate.
        renew_leaf: Time before its end at which there is a new one.
        urgent: Time before its end at which a server certificate is replaced even if clients may not trust the new authority.
        backdate: How much earlier every validity begins, for clients whose clocks are behind.
        settle: Time between the announcement of an authority and the first certificate of it that is served.
        overlap: Least time for which an old authority stays trusted after its last certificate was replaced.

    Raises:
        ConfigurationError: They do not go together: something would end before it is renewed.
    """

    authority: timedelta = timedelta(days=730)
    renew_authority: timedelta = timedelta(days=180)
    leaf: timedelta = timedelta(days=90)
    renew_leaf: timedelta = timedelta(days=30)
    urgent: timedelta = timedelta(days=1)
    backdate: timedelta = timedelta(hours=1)
    settle: timedelta = timedelta(minutes=1)
    overlap: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        order = (
            timedelta(0),
            self.urgent,
            self.renew_leaf,
            self.leaf,
            self.renew_authority,
            self.authority,
        )
        others = (self.backdate, self.settle, self.overlap)
        if list(order) != sorted(set(order)) or min(others) < timedelta(0):
            raise ConfigurationError(
                "lifetimes of certificates contradict each other: one would end before it is renewed",
                remedy="Let urgent < renew_leaf < leaf < renew_authority < authority.",
            )


def make_authority(service: ServiceNames, now: datetime, lifetimes: Lifetimes) -> CertifiedKey:
    """Make a certificate authority for nothing but this service's server certificates.

    Its name contains its serial number, so that clients can tell two authorities of one service apart.
    """
    from cryptography import x509

    key, serial = _key(), x509.random_serial_number()
    name = _name(f"{service.name[:40]} CA {serial % 16**8:08x}")  # 64 at most (RFC 5280, A.1)
    builder = _builder(name, name, key.public_key(), serial)
    builder = builder.not_valid_before(now - lifetimes.backdate).not_valid_after(now + lifetimes.authority)
    # Path length 0: it can sign server certificates, and no further authority (RFC 5280, 4.2.1.9).
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return CertifiedKey(_signed(builder, key, key, "key_cert_sign", "crl_sign"), key)


def make_leaf(
    service: ServiceNames, authority: CertifiedKey, now: datetime, lifetimes: Lifetimes
) -> CertifiedKey:
    """Make a server certificate with a new key; it never ends later than its authority, nor begins earlier."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _key()
    builder = _builder(
        _name(service.name[:64]),
        authority.certificate.subject,
        key.public_key(),
        x509.random_serial_number(),
    )
    builder = builder.not_valid_before(max(now - lifetimes.backdate, authority.begins))
    builder = builder.not_valid_after(min(now + lifetimes.leaf, authority.ends))
    names = x509.SubjectAlternativeName([_general_name(name) for name in service.names])
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return CertifiedKey(_signed(builder, key, authority.key, "digital_signature"), key)


def encode(identity: CertifiedKey) -> tuple[bytes, bytes]:
    """Return the certificate in PEM, and its key in PEM (PKCS #8, not encrypted)."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return identity.certificate.public_bytes(Encoding.PEM), key


def _general_name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ratify"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    subject: "x509.Name", issuer: "x509.Name", public: Any, serial: int
) -> "x509.CertificateBuilder":
    from cryptography import x509

    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    return (
        builder.public_key(public)
        .serial_number(serial)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(builder: "x509.CertificateBuilder", key: Any, signer: Any, *usages: str) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    if key is not signer:  # a self-signed one may omit it (RFC 5280, 4.2.1.1)
        builder = builder.add_extension(identifier, critical=False)
    usage = x509.KeyUsage(**{name: name in usages for name in _USAGES})
    return builder.add_extension(usage, critical=True).sign(signer, SHA256())
