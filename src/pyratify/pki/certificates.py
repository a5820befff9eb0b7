"""X.509 certificates, parsed completely before anything of them is used.

The library parses extensions and keys lazily; here everything is parsed at once, so that a malformed certificate is refused
as a whole and never half-way through a verification.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.asn1 import encode
from pyratify.pki.der import INTEGER, SEQUENCE, InvalidDer, read_element, read_elements
from pyratify.pki.pem import InvalidPem, read_blocks
from pyratify.pki.public_keys import spki_fingerprint

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as ParsedCertificate

MAX_CERTIFICATE = 64 * 1024
_MAX_SERIAL_OCTETS = 20
BASIC_CONSTRAINTS = "2.5.29.19"
KEY_USAGE = "2.5.29.15"
EXTENDED_KEY_USAGE = "2.5.29.37"
_CONVERTED = {
    "PKCS7": "; convert it with openssl pkcs7 -print_certs",
    "TRUSTED CERTIFICATE": "; convert it with openssl x509",
}
_HONOURED = (BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE)


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """The basicConstraints extension (RFC 5280, section 4.2.1.9)."""

    critical: bool
    ca: bool
    path_length: int | None


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The keyUsage extension (RFC 5280, section 4.2.1.3): the usages that are set, under their RFC names."""

    critical: bool
    usages: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExtendedKeyUsage:
    """The extKeyUsage extension (RFC 5280, section 4.2.1.12): dotted object identifiers."""

    critical: bool
    purposes: frozenset[str]


@dataclass(frozen=True)  # no slots: cached_property needs __dict__
class Certificate:
    """A certificate.

    Attributes:
        der: Its bytes; two certificates are the same when these are.
        parsed: The library's object, for keys and signatures.
        subject: The subject as RFC 4514 writes it.
        issuer: The issuer likewise.
        not_before: The first moment of its validity.
        not_after: The last moment of its validity.
        key: The public key, of whatever kind.
        signature_hash: The hash of the issuer's signature, as `sha256`; empty where there is none.
        basic_constraints: The extension, or None.
        key_usage: The extension, or None.
        extended_key_usage: The extension, or None.
        other_critical: Object identifiers of all other extensions that are critical.
    """

    der: bytes
    parsed: "ParsedCertificate"
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key: Any
    signature_hash: str
    basic_constraints: BasicConstraints | None
    key_usage: KeyUsage | None
    extended_key_usage: ExtendedKeyUsage | None
    other_critical: tuple[str, ...]

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate's bytes, in lower-case hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def subject_der(self) -> bytes:
        """The subject as it stands in the certificate."""
        return self.parsed.subject.public_bytes()

    @cached_property
    def spki(self) -> str:
        """The key's stable identity, `spki:sha256:<hex>`."""
        return spki_fingerprint(self.key)

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints mark it as a certificate authority."""
        return self.basic_constraints is not None and self.basic_constraints.ca

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.parsed.subject == self.parsed.issuer

    def is_issued_by(self, issuer: "Certificate") -> bool:
        """Return whether the issuer's name is the certificate's issuer and its key made the signature."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

        try:
            self.parsed.verify_directly_issued_by(issuer.parsed)  # checks the names as well
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return False
        return True

    @property
    def is_self_signed(self) -> bool:
        """Whether it is signed with its own key."""
        return self.is_self_issued and self.is_issued_by(self)


class InvalidCertificate(ValueError):
    """Bytes that are not a certificate."""


def load_x509(data: bytes, *, pem: bool = False) -> "ParsedCertificate":
    """Parse a certificate with the library; only here, because its errors have no common class.

    Args:
        data: The certificate in DER.
        pem: Whether it is in PEM instead; the first one counts.

    Raises:
        InvalidCertificate: It is malformed, or of a version that does not exist.
    """
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(data) if pem else load_der_x509_certificate(data)
    except Exception as error:  # noqa: BLE001 - the library raises many kinds, and new ones with its releases
        kind = type(error).__name__
        why = "of an unknown version" if kind == "InvalidVersion" else "malformed"
        raise InvalidCertificate(f"a certificate is {why}") from None


def parse_certificate(der: bytes) -> Certificate:
    """Parse every part of a certificate of untrusted origin.

    Raises:
        VerificationError: `CHAIN_INVALID` for anything malformed, `CERT_WEAK` for a key that no library would use.
    """
    try:
        _check_serial(der)
        return _parse(der)
    except VerificationError:
        raise
    except InvalidCertificate as error:
        raise VerificationError(Reason.CHAIN_INVALID, str(error)) from None
    except Exception:  # noqa: BLE001 - the library raises many kinds; each means that this is not to be trusted
        raise VerificationError(Reason.CHAIN_INVALID, "a certificate is malformed") from None


def load_certificates(material: KeyMaterial) -> tuple[Certificate, ...]:
    """Load every certificate of a document, PEM or DER, at least one.

    Raises:
        ConfigurationError: `KEY_INVALID`: empty, damaged, or holding anything else than certificates.
    """
    return tuple(_load(der, material) for der in _documents(material))


def _documents(material: KeyMaterial) -> Iterator[bytes]:
    try:
        blocks = read_blocks(material.data)
    except InvalidPem as error:
        _refuse(material, str(error))
    if blocks is None:
        yield from _sequences(material.data)
        return
    for block in blocks:
        if block.label.endswith("PRIVATE KEY"):
            _refuse(material, "it holds a private key; only certificates belong here")
        if block.label != "CERTIFICATE":
            hint = _CONVERTED.get(block.label, "")
            _refuse(material, f"it holds a block {block.label!r}, not 'CERTIFICATE'{hint}")
        yield block.data


def _sequences(data: bytes) -> Iterator[bytes]:
    """Iterate over concatenated certificates in DER; malformed data is left to their parser, which says what is wrong."""
    try:
        elements = tuple(read_elements(data))
    except InvalidDer:
        elements = ()
    if len(elements) < 2:
        yield data
    else:
        yield from (encode(element.tag, element.content) for element in elements)


def _load(der: bytes, material: KeyMaterial) -> Certificate:
    try:
        return parse_certificate(der)
    except VerificationError as error:
        _refuse(material, error.message)


def _refuse(material: KeyMaterial, why: str) -> NoReturn:
    raise ConfigurationError(f"not a usable certificate: {material.origin}: {why}", reason=Reason.KEY_INVALID)


def _check_serial(der: bytes) -> None:
    """Refuse serial numbers that are not positive (RFC 5280, section 4.1.2.2), where the library would only warn."""
    if len(der) > MAX_CERTIFICATE:
        raise InvalidDer("too large")
    body = next(read_elements(read_element(der, SEQUENCE).content))
    serial = next(element for element in read_elements(body.content) if element.tag != 0xA0)
    if serial.tag != INTEGER or not 0 < len(serial.content) <= _MAX_SERIAL_OCTETS + 1:
        raise InvalidDer("no serial number")
    if int.from_bytes(serial.content, "big", signed=True) <= 0:
        raise InvalidDer("a serial number that is not positive")


def _parse(der: bytes) -> Certificate:
    from cryptography.x509 import Version

    parsed = load_x509(der)
    if parsed.version is not Version.v3:  # earlier ones have no extensions
        raise VerificationError(Reason.CHAIN_INVALID, "a certificate is not of version 3")
    extensions = {extension.oid.dotted_string: extension for extension in parsed.extensions}
    digest = parsed.signature_hash_algorithm
    return Certificate(
        der,
        parsed,
        parsed.subject.rfc4514_string(),
        parsed.issuer.rfc4514_string(),
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        _key(parsed),
        digest.name if digest else "",
        _basic_constraints(extensions),
        _key_usage(extensions),
        _extended_key_usage(extensions),
        tuple(oid for oid, each in extensions.items() if each.critical and oid not in _HONOURED),
    )


def _key(parsed: "ParsedCertificate") -> Any:
    try:
        return parsed.public_key()
    except ValueError:
        raise VerificationError(Reason.CERT_WEAK, "a certificate has a key that cannot be used") from None


def _basic_constraints(extensions: Mapping[str, Any]) -> BasicConstraints | None:
    found = extensions.get(BASIC_CONSTRAINTS)
    return found and BasicConstraints(found.critical, found.value.ca, found.value.path_length)


def _key_usage(extensions: Mapping[str, Any]) -> KeyUsage | None:
    found = extensions.get(KEY_USAGE)
    if found is None:
        return None
    value = found.value
    usages = {
        "digitalSignature": value.digital_signature,
        "contentCommitment": value.content_commitment,
        "keyEncipherment": value.key_encipherment,
        "dataEncipherment": value.data_encipherment,
        "keyAgreement": value.key_agreement,
        "keyCertSign": value.key_cert_sign,
        "cRLSign": value.crl_sign,
        "encipherOnly": value.key_agreement and value.encipher_only,  # raises without keyAgreement
        "decipherOnly": value.key_agreement and value.decipher_only,
    }
    return KeyUsage(found.critical, frozenset(name for name, is_set in usages.items() if is_set))


def _extended_key_usage(extensions: Mapping[str, Any]) -> ExtendedKeyUsage | None:
    found = extensions.get(EXTENDED_KEY_USAGE)
    return found and ExtendedKeyUsage(found.critical, frozenset(oid.dotted_string for oid in found.value))
