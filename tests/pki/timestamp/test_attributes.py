"""The signed attributes of a timestamp: each there once, and naming one certificate by hash, issuer and serial number."""

import hashlib

import pytest
from cryptography import x509

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.asn1 import INTEGER, OCTET_STRING, SEQUENCE, SET, context, encode, encode_object_identifier
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    check_signing_certificate,
    parse_attributes,
)
from pyratify.pki.timestamp.token import verify_timestamp
from pyratify.testing.certificates import authority
from pyratify.testing.revocation import NOW
from pyratify.testing.timestamps import TokenRecipe, make_token, timestamp_authority

ROOT = authority("tsa root")
TSA = timestamp_authority(ROOT)
CERTIFICATE = parse_certificate(TSA.der)
NAME, SERIAL = CERTIFICATE.parsed.issuer, CERTIFICATE.parsed.serial_number
OTHER_NAME = x509.Name.from_rfc4514_string("CN=tsa roof,O=Example CA,ST=WA,C=US")


def attribute(kind: str, *values: bytes) -> bytes:
    """Return one attribute."""
    return encode(SEQUENCE, encode_object_identifier(kind) + encode(SET, b"".join(values)))


def directory(name: x509.Name = NAME) -> bytes:
    """Return a name as one of the kinds of general names."""
    return encode(context(4), name.public_bytes())


def identifier(
    *names: bytes, serial: int = SERIAL, digest: bytes | None = None, more: bytes = b"", version: int = 2
) -> bytes:
    """Return a signing-certificate attribute's value; only what is given differs from the certificate that signs."""
    hashed = hashlib.sha256(TSA.der) if version == 2 else hashlib.sha1(TSA.der)
    issuer = encode(SEQUENCE, b"".join(names or (directory(),)))
    number = encode(INTEGER, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
    parts = encode(OCTET_STRING, digest or hashed.digest()) + encode(SEQUENCE, issuer + number + more)
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, parts)))


def check(value: bytes, older: bytes | None = None, certificate: Certificate = CERTIFICATE) -> None:
    """Hold a signing-certificate-v2 attribute, and one of the first version, against a certificate."""
    attributes = {SIGNING_CERTIFICATE_V2: value} | ({SIGNING_CERTIFICATE: older} if older else {})
    check_signing_certificate(attributes, certificate)


def test_the_certificate_that_signs_is_named_by_hash_issuer_and_serial_number() -> None:
    """What the refusals below start from."""
    check(identifier())
    check(identifier(), older=identifier(version=1))


WRONG = {
    "hash": ({"digest": bytes(32)}, (), "names another certificate"),
    "issuer": ({}, (directory(OTHER_NAME),), "another issuer or serial number"),
    "serial": ({"serial": SERIAL + 1}, (), "another issuer or serial number"),
    "two-issuers": ({}, (directory(), directory()), "not one directory name"),
    "another-issuer-second": ({}, (directory(), directory(OTHER_NAME)), "not one directory name"),
    "no-issuer": ({}, (b"",), "not one directory name"),
    "other-kind-of-name": (
        {},
        (encode(context(6, constructed=False), b"http://tsa.test"),),
        "not one directory name",
    ),
    "more": ({"more": encode(INTEGER, b"\x01")}, (), "more than expected"),
}


@pytest.mark.parametrize(("changes", "names", "why"), WRONG.values(), ids=WRONG)
def test_one_that_differs_names_another_certificate(
    changes: dict, names: tuple[bytes, ...], why: str
) -> None:
    """Each alone, with all others right: a key can have several certificates, and a hash alone says not whose."""
    with pytest.raises(InvalidDer, match=why):
        check(identifier(*names, **changes))


@pytest.mark.parametrize("fault", ["issuer", "serial"])
def test_the_older_attribute_is_held_to_the_same(fault: str) -> None:
    """It must not contradict the newer one."""
    changes, names, why = WRONG[fault]
    with pytest.raises(InvalidDer, match=why):
        check(identifier(), older=identifier(*names, version=1, **changes))
    with pytest.raises(InvalidDer, match="another certificate than"):
        check(identifier(), older=identifier(version=1, digest=bytes(20)))


def test_a_token_that_names_another_issuer_is_refused_whole() -> None:
    """Signed by the authority itself, so that nothing else is wrong with it."""

    def stamped(value: bytes) -> None:
        recipe = TokenRecipe(attributes=lambda found: found | {SIGNING_CERTIFICATE_V2: value})
        anchors = (parse_certificate(ROOT.der),)
        verify_timestamp(make_token(TSA, b"message", recipe), b"message", anchors, NOW)

    stamped(identifier())
    with pytest.raises(VerificationError, match="another issuer or serial number") as caught:
        stamped(identifier(directory(OTHER_NAME)))
    assert caught.value.reason is Reason.TIMESTAMP_INVALID


FIRST, SECOND = encode(OCTET_STRING, b"first"), encode(OCTET_STRING, b"second")


def test_attributes_are_read_by_their_kind() -> None:
    """One value each."""
    content = attribute(CONTENT_TYPE, FIRST) + attribute(MESSAGE_DIGEST, SECOND)
    assert parse_attributes(content) == {CONTENT_TYPE: FIRST, MESSAGE_DIGEST: SECOND}


@pytest.mark.parametrize(
    "content",
    [
        attribute(MESSAGE_DIGEST, FIRST) + attribute(MESSAGE_DIGEST, SECOND),
        attribute(MESSAGE_DIGEST, FIRST) * 2,
        attribute(MESSAGE_DIGEST, FIRST) + attribute(CONTENT_TYPE, FIRST) + attribute(MESSAGE_DIGEST, SECOND),
        attribute(MESSAGE_DIGEST, FIRST, SECOND),
        attribute(MESSAGE_DIGEST),
    ],
    ids=["another-value", "same-value", "apart", "two-values", "no-value"],
)
def test_a_signed_attribute_is_there_once_with_one_value(content: bytes) -> None:
    """Of two, one reader takes the first and another the last (RFC 5652, section 11)."""
    with pytest.raises(InvalidDer, match="twice or has not exactly one value"):
        parse_attributes(content)
