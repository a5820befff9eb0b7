"""Certificates for tests: authorities, signers, and ones that are broken on purpose.

Every key is generated at run time and trusted nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.dataclass import dataclass
from pyratify.core.key import KeyMaterial
from pyratify.pki.der import SEQUENCE, read_element, read_elements
from pyratify.pki.pem import Block

# The end is past 2049: both UTCTime and GeneralizedTime occur (RFC 5280, section 4.1.2.5).
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC)
SIGNER_NAME = "CN=signer,O=Example,ST=WA,C=US"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
# RFC 5280's names for keyUsage's bits (section 4.2.1.3), with cryptography's for the same.
_USAGES = {
    "digitalSignature": "digital_signature",
    "contentCommitment": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "p224": ec.SECP224R1,
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "k256": ec.SECP256K1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate says.

    Attributes:
        subject: RFC 4514 text, or the name itself.
        ca: The cA flag; None for no basicConstraints at all.
        ca_critical: Whether basicConstraints is critical.
        path_length: The pathLenConstraint.
        usages: RFC 5280 names; None for no keyUsage at all.
        usages_critical: Whether keyUsage is critical.
        extended: Object identifiers; None for no extKeyUsage at all.
        extended_critical: Whether extKeyUsage is critical.
        extra: More extensions: object identifier, whether it is critical, and its value.
        extensions: More extensions that the library knows, with whether they are critical.
        not_before: The first moment of its validity.
        not_after: The last moment of its validity.
        digest: The hash of the signature.
    """

    subject: str | x509.Name = SIGNER_NAME
    ca: bool | None = False
    ca_critical: bool = True
    path_length: int | None = None
    usages: Sequence[str] | None = ("digitalSignature",)
    usages_critical: bool = True
    extended: Sequence[str] | None = (CODE_SIGNING,)
    extended_critical: bool = False
    extra: Sequence[tuple[str, bool, bytes]] = ()
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = ()
    not_before: datetime = BEGIN
    not_after: datetime = END
    digest: str = "sha256"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key and everything above it.

    Attributes:
        der: The certificate.
        key: Its private key.
        above: The certificates above it, up to the root.
    """

    der: bytes
    # Not in representations: pytest prints values of failed tests, and keys have no place in logs.
    key: Any = field(repr=False)
    above: tuple[bytes, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The chain from this certificate to the root."""
        return (self.der, *self.above)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return pem(self.der)

    @property
    def material(self) -> KeyMaterial:
        """The certificate as a document that a verifier is given."""
        return KeyMaterial(self.pem, "test certificate")


def pem(*documents: bytes) -> bytes:
    """Return certificates in PEM, one after another."""
    return "".join(Block("CERTIFICATE", document).encode() for document in documents).encode()


@lru_cache(maxsize=256)
def make_key(kind: str, which: int | str = 0) -> Any:
    """Return a private key, the same one for the same arguments.

    Args:
        kind: `p224`, `p256`, `p384`, `p521`, `k256`, `ed25519`, `dsa`, or `rsa-` and a number of bits.
        which: Tells several keys of one kind apart.
    """
    # Only the cache looks at it.
    del which
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else dsa.generate_private_key(2048)


def authority(
    name: str = "root", *, issuer: Issued | None = None, kind: str = "p256", which: int = 0, **changes: Any
) -> Issued:
    """Return a certificate authority: a root, or below `issuer`; `changes` are members of `Profile`."""
    profile: dict[str, Any] = {
        "subject": f"CN={name},O=Example CA,ST=WA,C=US",
        "ca": True,
        "usages": ("keyCertSign", "cRLSign"),
        "extended": None,
    }
    return issue(Profile(**(profile | changes)), make_key(kind, f"{name}#{which}"), issuer)


def signer(issuer: Issued | None, *, kind: str = "p256", which: int = 0, **changes: Any) -> Issued:
    """Return a code-signing certificate, self-signed without an issuer; `changes` are members of `Profile`."""
    return issue(Profile(**changes), make_key(kind, which), issuer)


def issue(profile: Profile, key: Any, issuer: Issued | None = None) -> Issued:
    """Issue a certificate for a key."""
    subject = (
        profile.subject
        if isinstance(profile.subject, x509.Name)
        else x509.Name.from_rfc4514_string(profile.subject)
    )
    # The issuer's name is copied from its certificate: chains are built by comparing them (RFC 5280, 6.1.3).
    parent = x509.load_der_x509_certificate(issuer.der) if issuer else None
    builder = x509.CertificateBuilder(
        parent.subject if parent else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        profile.not_before,
        profile.not_after,
    )
    builder = _extend(builder, profile)
    signing_key = issuer.key if issuer else key
    # Ed25519 hashes by itself (RFC 8032, section 5.1); cryptography refuses to be told a hash.
    digest = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else _hash(profile.digest)
    certificate = builder.sign(signing_key, digest)
    return Issued(certificate.public_bytes(Encoding.DER), key, issuer.chain if issuer else ())


def forge(
    certificate: Issued,
    issuer: Issued,
    edit: Callable[[bytes], bytes],
    digest: str = "sha256",
    algorithm: Callable[[bytes], bytes] = lambda der: der,
) -> Issued:
    """Return the certificate with edited content and a signature of the issuer that fits it again.

    Args:
        certificate: What to start from.
        issuer: Who signs; must be who signed it.
        edit: Changes the DER of the signed part.
        digest: The hash to sign with; sha1 and md5 too.
        algorithm: Changes the DER of the outer signature algorithm.
    """
    # By hand: cryptography's builder refuses to make what is malformed or weak, which is what tests need.
    body, outer, _ = read_elements(read_element(certificate.der, SEQUENCE).content)
    content = edit(element(SEQUENCE, body.content))
    signature = _sign(issuer.key, content, digest)
    # A BIT STRING begins with the number of unused bits (X.690, section 8.6.2.2).
    parts = content + algorithm(element(SEQUENCE, outer.content)) + element(0x03, b"\x00" + signature)
    return Issued(element(SEQUENCE, parts), certificate.key, certificate.above)


def with_public_key(certificate: Issued, issuer: Issued, spki: bytes) -> Issued:
    """Return the certificate for another public key, any bytes at all, with a signature of the issuer that fits.

    Args:
        certificate: What to start from.
        issuer: Who signs; must be who signed it.
        spki: The SubjectPublicKeyInfo in DER.
    """

    def edit(body: bytes) -> bytes:
        parts = [
            element(part.tag, part.content) for part in read_elements(read_element(body, SEQUENCE).content)
        ]
        # The seventh field of TBSCertificate, after an explicit version (RFC 5280, section 4.1).
        parts[6] = spki
        return element(SEQUENCE, b"".join(parts))

    return forge(certificate, issuer, edit)


def replacing(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Return an edit that replaces every occurrence, of which there must be one."""

    def edit(data: bytes) -> bytes:
        # Without this a fault that no longer applies would leave a good certificate, and its test would pass.
        if old not in data:
            raise ValueError(f"{old.hex()} is not there")
        return data.replace(old, new)

    return edit


def _extend(builder: x509.CertificateBuilder, profile: Profile) -> x509.CertificateBuilder:
    if profile.ca is not None:
        constraints = x509.BasicConstraints(ca=profile.ca, path_length=profile.path_length)
        builder = builder.add_extension(constraints, profile.ca_critical)
    if profile.usages is not None:
        flags = {name: usage in profile.usages for usage, name in _USAGES.items()}
        builder = builder.add_extension(x509.KeyUsage(**flags), profile.usages_critical)
    if profile.extended is not None:
        purposes = [x509.ObjectIdentifier(oid) for oid in profile.extended]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), profile.extended_critical)
    for oid, critical, value in profile.extra:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(unknown, critical)
    for extension, critical in profile.extensions:
        builder = builder.add_extension(extension, critical)
    return builder


def _hash(name: str) -> Any:
    algorithms: dict[str, Callable[[], Any]] = {
        "md5": hashes.MD5,
        "sha1": hashes.SHA1,
        "sha224": hashes.SHA224,
        "sha256": hashes.SHA256,
        "sha384": hashes.SHA384,
        "sha512": hashes.SHA512,
    }
    return algorithms[name]()


def _sign(key: Any, data: bytes, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), _hash(digest))
    signature: bytes = key.sign(data, ec.ECDSA(_hash(digest)))
    return signature


def element(tag: int, content: bytes) -> bytes:
    """Return one DER element."""
    length = len(content)
    # The shortest form of a length is the only one in DER (X.690, section 10.1).
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def public_pem(key: Any) -> bytes:
    """Return a private key's public half in PEM."""
    data: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data
