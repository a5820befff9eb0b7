"""A timestamp authority for tests: tokens of RFC 3161 that are good, or broken in one chosen way.

tsa = timestamp_authority(root)
make_token(tsa, b"message")
make_token(tsa, b"message", TokenRecipe(hash="sha1"))
sign_jws(leaf, subject, Recipe(whole=stamped_jws(tsa)))
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512

from pyratify.core.dataclass import dataclass
from pyratify.pki.asn1 import (
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    context,
    encode,
    encode_object_identifier,
)
from pyratify.pki.chain import TIMESTAMPING
from pyratify.pki.encoding import decode_base64url, encode_base64
from pyratify.pki.timestamp.attributes import CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2
from pyratify.pki.timestamp.cms import SIGNED_DATA, TST_INFO
from pyratify.testing.certificates import Issued, Profile, issue, make_key
from pyratify.verifiers.notation.envelope import TIMESTAMP

STAMPED_AT = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
_OIDS = {
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
# rsaEncryption names no hash; the digest algorithm does (RFC 3370, section 3.2).
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_ECDSA = {
    "sha1": "1.2.840.10045.4.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
Attributes = dict[str, bytes]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecipe:
    """How a token is made; without arguments a good one.

    Attributes:
        time: What is stated.
        accuracy: Seconds; None for none stated.
        policy: The object identifier of the policy.
        hash: The hash of the message imprint.
        imprint: Edits the hash.
        version: The version of the statement.
        digest: The hash of the signature.
        attributes: Edits the signed attributes, DER by object identifier, before they are signed.
        signature: Edits the signature.
        certificates: Edits the bag of certificates; None for none at all.
        content: Edits the statement after it was signed.
        copies: How many times the signature is there.
        serial: Edits the serial number that names the signer.
        extra: DER at the end of the statement, as extensions are.
        signer: Edits the DER of the whole signer information.
    """

    time: datetime = STAMPED_AT
    accuracy: int | None = None
    policy: str = "1.2.3.4"
    hash: str = "sha256"
    imprint: Callable[[bytes], bytes] = _same
    version: int = 1
    digest: str = "sha256"
    attributes: Callable[[Attributes], Attributes] = _same
    signature: Callable[[bytes], bytes] = _same
    certificates: Callable[[Sequence[bytes]], Sequence[bytes] | None] = _same
    content: Callable[[bytes], bytes] = _same
    copies: int = 1
    serial: Callable[[int], int] = _same
    extra: bytes = b""
    signer: Callable[[bytes], bytes] = _same


GOOD_TOKEN = TokenRecipe()


def timestamp_authority(issuer: Issued, *, kind: str = "p256", **changes: Any) -> Issued:
    """Return the certificate of a timestamp authority; `changes` are members of `Profile`."""
    profile: dict[str, Any] = {
        "subject": "CN=timestamps,O=Example TSA,C=US",
        "extended": (TIMESTAMPING,),
        # RFC 3161, section 2.3: this one purpose, and critical.
        "extended_critical": True,
    }
    return issue(Profile(**(profile | changes)), make_key(kind, "timestamps"), issuer)


def make_token(tsa: Issued, message: bytes, recipe: TokenRecipe = GOOD_TOKEN) -> bytes:
    """Return a timestamp token for a message."""
    statement = _statement(message, recipe)
    signer = recipe.signer(_signer(tsa, statement, recipe))
    certificates = recipe.certificates(tsa.chain)
    # An edit can leave the bag out: RFC 3161 includes certificates only on request.
    bag = b"" if certificates is None else encode(context(0), b"".join(certificates))
    content = encode(context(0), encode(OCTET_STRING, recipe.content(statement)))
    body = (
        # Version 3, as the content is not plain data (RFC 5652, section 5.1).
        _integer(3)
        + encode(SET, _algorithm(_OIDS[recipe.digest]))
        + encode(SEQUENCE, encode_object_identifier(TST_INFO) + content)
        + bag
        + encode(SET, signer * recipe.copies)
    )
    return encode(
        SEQUENCE, encode_object_identifier(SIGNED_DATA) + encode(context(0), encode(SEQUENCE, body))
    )


def make_response(token: bytes, status: int = 0) -> bytes:
    """Return a timestamp server's answer with a token."""
    # A server's answer is a status and the token (RFC 3161, section 2.4.2); status 0 is `granted`.
    return encode(SEQUENCE, encode(SEQUENCE, _integer(status)) + token)


def stamped_jws(tsa: Issued, recipe: TokenRecipe = GOOD_TOKEN) -> Callable[[Any], Any]:
    """Return an edit of a whole JWS envelope that adds a timestamp of its signature."""

    def edit(envelope: Any) -> Any:
        # Over the signature's bytes, not their base64url.
        token = make_token(tsa, decode_base64url(envelope["signature"]), recipe)
        envelope["header"][TIMESTAMP] = encode_base64(token)
        return envelope

    return edit


def stamped_cose(tsa: Issued, recipe: TokenRecipe = GOOD_TOKEN) -> Callable[[Any], Any]:
    """Return an edit of a whole COSE envelope that adds a timestamp of its signature."""

    def edit(envelope: Any) -> Any:
        protected, unprotected, payload, signature = envelope.value
        unprotected = unprotected | {TIMESTAMP: make_token(tsa, signature, recipe)}
        return type(envelope)(18, [protected, unprotected, payload, signature])

    return edit


def _statement(message: bytes, recipe: TokenRecipe) -> bytes:
    imprint = recipe.imprint(hashlib.new(recipe.hash, message).digest())
    accuracy = encode(SEQUENCE, _integer(recipe.accuracy)) if recipe.accuracy is not None else b""
    return encode(
        SEQUENCE,
        _integer(recipe.version)
        + encode_object_identifier(recipe.policy)
        + encode(SEQUENCE, _algorithm(_OIDS[recipe.hash]) + encode(OCTET_STRING, imprint))
        # Unique within an authority (RFC 3161, section 2.4.2), which nothing here relies on.
        + _integer(7)
        # Not `%Y`, which does not pad years below 1000 on every platform.
        + encode(GENERALIZED_TIME, f"{recipe.time.year:04}{recipe.time:%m%d%H%M%SZ}".encode())
        + accuracy
        + recipe.extra,
    )


def _signer(tsa: Issued, statement: bytes, recipe: TokenRecipe) -> bytes:
    certificate = x509.load_der_x509_certificate(tsa.der)
    values = recipe.attributes(
        {
            CONTENT_TYPE: encode_object_identifier(TST_INFO),
            MESSAGE_DIGEST: encode(OCTET_STRING, hashlib.new(recipe.digest, statement).digest()),
            SIGNING_CERTIFICATE_V2: certificate_id(tsa.der),
        }
    )
    # A SET OF is sorted by its encoding in DER (X.690, section 11.6).
    members = sorted(
        encode(SEQUENCE, encode_object_identifier(oid) + encode(SET, value)) for oid, value in values.items()
    )
    attributes = b"".join(members)
    # Signed as a SET, stored under the tag [0] (RFC 5652, section 5.4).
    algorithm, signature = _sign(tsa.key, encode(SET, attributes), recipe.digest)
    serial = _integer(recipe.serial(certificate.serial_number))
    return encode(
        SEQUENCE,
        # Version 1: the signer is named by issuer and serial number (RFC 5652, section 5.3).
        _integer(1)
        + encode(SEQUENCE, certificate.issuer.public_bytes() + serial)
        + _algorithm(_OIDS[recipe.digest])
        + encode(context(0), attributes)
        + _algorithm(algorithm)
        + encode(OCTET_STRING, recipe.signature(signature)),
    )


def certificate_id(der: bytes, digest: str = "sha256") -> bytes:
    """Return a signing-certificate-v2 attribute's value that names a certificate."""
    # SHA-256 is the default, which DER leaves out (RFC 5035, section 4).
    algorithm = b"" if digest == "sha256" else _algorithm(_OIDS[digest])
    entry = encode(SEQUENCE, algorithm + encode(OCTET_STRING, hashlib.new(digest, der).digest()))
    return encode(SEQUENCE, encode(SEQUENCE, entry))


def _sign(key: Any, data: bytes, digest: str) -> tuple[str, bytes]:
    algorithm = {"sha1": SHA1(), "sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}[digest]  # noqa: S303
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _ECDSA[digest], key.sign(data, ec.ECDSA(algorithm))
    return _RSA_ENCRYPTION, key.sign(data, padding.PKCS1v15(), algorithm)


def _algorithm(oid: str) -> bytes:
    return encode(SEQUENCE, encode_object_identifier(oid))


def _integer(value: int) -> bytes:
    # A byte more than the bits where the first would look negative (X.690, section 8.3).
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
