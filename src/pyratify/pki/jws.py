"""JWS in the flattened JSON serialisation (RFC 7515, section 7.2.2), parsed strictly."""

from collections.abc import Mapping
from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import InvalidBase64, decode_base64url, decode_member

_MEMBERS = {"payload", "protected", "header", "signature"}


@dataclass(frozen=True, slots=True)
class Jws:
    """A parsed flattened JWS; its signature is not verified.

    Attributes:
        protected: The protected header.
        header: The unprotected header.
        payload: The payload's bytes.
        signature: The signature's bytes.
        signed: The bytes that the signature is made over (RFC 7515, section 5.1, step 8).
    """

    protected: Mapping[str, Any]
    header: Mapping[str, Any]
    payload: bytes
    signature: bytes
    signed: bytes


def parse_jws(data: bytes) -> Jws:
    """Read a flattened JWS: one object with payload, protected, header and signature, and nothing else.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`, `JSON_DUPLICATE_KEY` or `PARSE_LIMIT`.
    """
    document = load_object(data, "the JWS envelope")
    # The general serialisation, with several signatures, is not allowed (signature-envelope-jws.md).
    if set(document) != _MEMBERS:
        _refuse("it must have exactly payload, protected, header and signature")
    if not isinstance(document["header"], dict):
        _refuse("header is not an object")
    # Parsed from the encoded text that is signed; a copy of it elsewhere counts for nothing.
    protected = load_object(_bytes(document, "protected"), "the protected header")
    payload, signature = _bytes(document, "payload"), _bytes(document, "signature")
    # From the texts as they came: encoding again could repair what was not canonical.
    signed = f"{document['protected']}.{document['payload']}".encode("ascii")
    return Jws(protected, document["header"], payload, signature, signed)


def load_object(data: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object that is part of an envelope.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` for anything else than a JSON object, `JSON_DUPLICATE_KEY` or `PARSE_LIMIT`.
    """
    try:
        return strictjson.load_object(data, what=what)
    except strictjson.InvalidJson as error:
        reason = Reason.ENVELOPE_MALFORMED if error.reason is Reason.JSON_INVALID else error.reason
        raise VerificationError(reason, error.message) from None


def _bytes(document: dict[str, Any], name: str) -> bytes:
    try:
        return decode_member(document[name], name, decode_base64url)
    except InvalidBase64 as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    raise VerificationError(Reason.ENVELOPE_MALFORMED, f"not a flattened JWS: {why}")
