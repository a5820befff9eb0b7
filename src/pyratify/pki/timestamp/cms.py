"""Signed data of the Cryptographic Message Syntax (RFC 5652, section 5), as timestamp tokens use it."""

from pyratify.core.dataclass import dataclass
from pyratify.pki import asn1
from pyratify.pki.asn1 import Cursor, context
from pyratify.pki.der import Element, InvalidDer, read_element

SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
MAX_CERTIFICATES = 20
MAX_SIGNERS = 10


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signature (section 5.3).

    Attributes:
        issuer: The DER of the issuer's name in the signer's identifier.
        serial: The serial number in it.
        digest: The object identifier of the digest algorithm.
        attributes: The content of the signed attributes, a SET OF.
        algorithm: The object identifier of the signature algorithm.
        signature: The signature.
    """

    issuer: bytes
    serial: int
    digest: str
    attributes: bytes
    algorithm: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """Signed content (section 5.1).

    Attributes:
        content: What is signed.
        certificates: Certificates in DER, in no order that means anything.
        signers: The signatures.
    """

    content: bytes
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def parse_signed_data(token: bytes) -> SignedData:
    """Parse a ContentInfo that holds SignedData over a TSTInfo.

    Raises:
        InvalidDer: It is anything else.
    """
    outer = asn1.open_sequence(token)
    if asn1.object_identifier(outer.next(asn1.OBJECT_IDENTIFIER)) != SIGNED_DATA:
        raise InvalidDer("the content is not CMS signed data")
    body = asn1.open_sequence(outer.next(context(0)).content)
    outer.end()
    if asn1.integer(body.next(asn1.INTEGER)) != 3:  # section 5.1: content other than id-data
        raise InvalidDer("the signed data is not of version 3")
    # The digest algorithms are repeated in each signature, where they are read.
    body.next(asn1.SET)
    content = _content(body.next(asn1.SEQUENCE))
    bag = body.optional(context(0))
    # Revocation lists: revocation is checked elsewhere, and nothing in a token could vouch for it.
    body.optional(context(1))
    signers = asn1.members(body.next(asn1.SET).content, asn1.SEQUENCE)
    body.end()
    if len(signers) > MAX_SIGNERS:
        raise InvalidDer(f"it has more than {MAX_SIGNERS} signatures")
    return SignedData(content, _certificates(bag), tuple(_signer(element) for element in signers))


def _content(element: Element) -> bytes:
    cursor = Cursor(element.content)
    # Another content signed by the same authority must not pass for a timestamp.
    if asn1.object_identifier(cursor.next(asn1.OBJECT_IDENTIFIER)) != TST_INFO:
        raise InvalidDer("what is signed is not a TSTInfo")
    content = read_element(cursor.next(context(0)).content, asn1.OCTET_STRING).content
    cursor.end()
    return content


def _certificates(bag: Element | None) -> tuple[bytes, ...]:
    if bag is None:
        return ()
    found = asn1.members(bag.content, asn1.SEQUENCE)
    if len(found) > MAX_CERTIFICATES:
        raise InvalidDer(f"it has more than {MAX_CERTIFICATES} certificates")
    # Strict DER was read, so these are the certificate's own bytes, as hashes of it need.
    return tuple(asn1.encode(asn1.SEQUENCE, element.content) for element in found)


def _signer(element: Element) -> SignerInfo:
    cursor = Cursor(element.content)
    if asn1.integer(cursor.next(asn1.INTEGER)) != 1:  # section 5.3: named by issuer and serial number
        raise InvalidDer("the signer information is not of version 1")
    issuer, serial = _issuer_and_serial(cursor.next(asn1.SEQUENCE))
    digest = asn1.algorithm(cursor.next(asn1.SEQUENCE))
    attributes = cursor.optional(context(0))
    # RFC 5652, 5.3: mandatory for any content but id-data; without them the content itself is signed.
    if attributes is None:
        raise InvalidDer("the signature has no signed attributes")
    algorithm = asn1.algorithm(cursor.next(asn1.SEQUENCE))
    signature = cursor.next(asn1.OCTET_STRING).content
    # Unsigned attributes prove nothing.
    cursor.optional(context(1))
    cursor.end()
    return SignerInfo(issuer, serial, digest, attributes.content, algorithm, signature)


def _issuer_and_serial(element: Element) -> tuple[bytes, int]:
    cursor = Cursor(element.content)
    issuer = asn1.encode(asn1.SEQUENCE, cursor.next(asn1.SEQUENCE).content)
    serial = asn1.integer(cursor.next(asn1.INTEGER))
    cursor.end()
    return issuer, serial
