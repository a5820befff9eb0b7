"""The signed attributes of a timestamp's signature (RFC 5652, section 11; RFC 5035 and RFC 5816).

They bind the signature to the content and to one certificate, so that no other certificate with the same key or name can
be put in its place.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from pyratify.pki import asn1
from pyratify.pki.asn1 import Cursor, context
from pyratify.pki.certificates import Certificate
from pyratify.pki.der import Element, InvalidDer, read_element, read_elements
from pyratify.pki.timestamp.cms import TST_INFO
from pyratify.pki.timestamp.tst_info import HASHES

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_SHA256 = "2.16.840.1.101.3.4.2.1"
_DIRECTORY_NAME = context(4)


def parse_attributes(content: bytes) -> Mapping[str, bytes]:
    """Return the one value of each attribute, in DER, by object identifier.

    Raises:
        InvalidDer: It is malformed, an attribute is there twice, or has another number of values than one.
    """
    attributes: dict[str, bytes] = {}
    for element in asn1.members(content, asn1.SEQUENCE):
        cursor = Cursor(element.content)
        kind = asn1.object_identifier(cursor.next(asn1.OBJECT_IDENTIFIER))
        values = tuple(read_elements(cursor.next(asn1.SET).content))
        cursor.end()
        # Which of two values counts would depend on the reader (RFC 5652, section 11).
        if kind in attributes or len(values) != 1:
            raise InvalidDer("a signed attribute is there twice or has not exactly one value")
        attributes[kind] = asn1.encode(values[0].tag, values[0].content)
    return attributes


def check_content(attributes: Mapping[str, bytes], content: bytes, digest: str) -> None:
    """Check content type and message digest (RFC 5652, section 5.4).

    Raises:
        InvalidDer: One is missing or another, or the digest algorithm is not allowed.
    """
    kind = read_element(_required(attributes, CONTENT_TYPE, "content-type"), asn1.OBJECT_IDENTIFIER)
    # RFC 5652, 11.1: the type inside must be that of the content, or a signature could be moved.
    if asn1.object_identifier(kind) != TST_INFO:
        raise InvalidDer("the content-type attribute is not that of a TSTInfo")
    name = HASHES.get(digest)
    if name is None:
        raise InvalidDer("the signature's digest is not SHA-256, SHA-384 or SHA-512")
    stated = read_element(_required(attributes, MESSAGE_DIGEST, "message-digest"), asn1.OCTET_STRING)
    # The signature is over the attributes; only this digest ties the content to it.
    if not hmac.compare_digest(stated.content, hashlib.new(name, content).digest()):
        raise InvalidDer("the message-digest attribute is not the digest of the content")


def signing_time(attributes: Mapping[str, bytes]) -> datetime | None:
    """Return the signing-time attribute, if there is one.

    Raises:
        InvalidDer: It is no time.
    """
    value = attributes.get(SIGNING_TIME)
    if value is None:
        return None
    tag = value[0] if value[0] in (asn1.UTC_TIME, asn1.GENERALIZED_TIME) else asn1.UTC_TIME
    return asn1.time(read_element(value, tag))


def check_signing_certificate(attributes: Mapping[str, bytes], certificate: Certificate) -> None:
    """Check that the signature names this very certificate (signing-certificate-v2, RFC 5035, section 3).

    Raises:
        InvalidDer: The attribute is missing, malformed, uses a weak hash or names another certificate.
    """
    # V1 alone has SHA-1, with which a second certificate could be made (RFC 5816).
    value = _required(attributes, SIGNING_CERTIFICATE_V2, "signing-certificate-v2")
    digest, hashed, issuer_serial = _first_v2(value)
    name = HASHES.get(digest)
    if name is None:
        raise InvalidDer("signing-certificate-v2 uses a hash other than SHA-256, SHA-384 and SHA-512")
    if not hmac.compare_digest(hashlib.new(name, certificate.der).digest(), hashed):
        raise InvalidDer("signing-certificate-v2 names another certificate")
    # The hash names the certificate already; this part may only agree.
    _check_issuer_serial(issuer_serial, certificate)
    if SIGNING_CERTIFICATE in attributes:
        _check_v1(attributes[SIGNING_CERTIFICATE], certificate)


def _required(attributes: Mapping[str, bytes], kind: str, name: str) -> bytes:
    if kind not in attributes:
        raise InvalidDer(f"the signed attribute {name} is missing")
    return attributes[kind]


def _first(value: bytes) -> Cursor:
    """Return a cursor in the first ESSCertID, which is the signing certificate's (RFC 5035, section 5.4)."""
    cursor = asn1.open_sequence(value)
    certificates = asn1.members(cursor.next(asn1.SEQUENCE).content, asn1.SEQUENCE)
    if not certificates:
        raise InvalidDer("the signing-certificate attribute names no certificate")
    return Cursor(certificates[0].content)


def _first_v2(value: bytes) -> tuple[str, bytes, Element | None]:
    cursor = _first(value)
    algorithm = cursor.optional(asn1.SEQUENCE)
    hashed = cursor.next(asn1.OCTET_STRING).content
    issuer_serial = cursor.optional(asn1.SEQUENCE)
    cursor.end()
    # The default of hashAlgorithm, which DER leaves out (RFC 5035, section 4).
    return asn1.algorithm(algorithm) if algorithm else _SHA256, hashed, issuer_serial


def _check_v1(value: bytes, certificate: Certificate) -> None:
    cursor = _first(value)
    hashed = cursor.next(asn1.OCTET_STRING).content
    # RFC 2634 knows SHA-1 alone; it only confirms here what signing-certificate-v2 proves.
    if not hmac.compare_digest(hashlib.sha1(certificate.der, usedforsecurity=False).digest(), hashed):
        raise InvalidDer("signing-certificate names another certificate than signing-certificate-v2")
    _check_issuer_serial(cursor.optional(asn1.SEQUENCE), certificate)


def _check_issuer_serial(element: Element | None, certificate: Certificate) -> None:
    if element is None:
        return
    cursor = Cursor(element.content)
    names = tuple(read_elements(cursor.next(asn1.SEQUENCE).content))
    serial = asn1.integer(cursor.next(asn1.INTEGER))
    cursor.end()
    # GeneralNames may have several; one directory name is what RFC 5035 asks for.
    if len(names) != 1 or names[0].tag != _DIRECTORY_NAME:
        raise InvalidDer("the issuer named by the signing-certificate attribute is not one directory name")
    same_issuer = names[0].content == certificate.parsed.issuer.public_bytes()
    if not same_issuer or serial != certificate.parsed.serial_number:
        raise InvalidDer("the signing-certificate attribute has another issuer or serial number")
