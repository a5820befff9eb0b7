"""DSSE: envelopes around signed payloads (https://github.com/secure-systems-lab/dsse, envelope.md and protocol.md, v1)."""

from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import InvalidBase64, decode_either_base64, decode_member

MAX_SIGNATURES = 16  # envelope.md has no limit; each signature may be tried with each key
_MAX_TYPE = 256
_MEMBERS = {
    "payload",
    "payloadType",
    "signatures",
}  # members beside them are ignored (envelope.md, "Parsing rules")


@dataclass(frozen=True, slots=True)
class DsseSignature:
    """One signature of an envelope.

    Attributes:
        value: The signature's bytes.
        keyid: The signer's hint which key it is; never trusted.
    """

    value: bytes
    keyid: str = ""


@dataclass(frozen=True, slots=True)
class DsseEnvelope:
    """A parsed envelope; its signatures are not verified.

    Attributes:
        payload: The payload's bytes, exactly as signed.
        payload_type: The payload's media type; signed too.
        signatures: Between one and `MAX_SIGNATURES`.
    """

    payload: bytes
    payload_type: str
    signatures: tuple[DsseSignature, ...]

    @property
    def signed(self) -> bytes:
        """The bytes that the signatures are made over."""
        return pre_authentication_encoding(self.payload_type, self.payload)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: PAE over UTF-8 with lengths in bytes (protocol.md, "Signature Definition")."""
    # Lengths are of bytes, not characters: otherwise one PAE could be read as two messages.
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def load_dsse(data: bytes) -> DsseEnvelope:
    """Read an envelope from its JSON bytes.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code.
    """
    try:
        document = strictjson.loads(data, what="DSSE envelope")
    except strictjson.InvalidJson as error:
        raise VerificationError(error.reason, error.message) from None
    return read_dsse(document)


def read_dsse(document: Any) -> DsseEnvelope:
    """Read an envelope from JSON that was parsed strictly.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`: a member missing or of the wrong type, lenient base64, no signature, or more
            than `MAX_SIGNATURES`.
    """
    if not isinstance(document, dict) or not set(document) >= _MEMBERS:
        _refuse("it must have payload, payloadType and signatures")
    kind, signatures = document["payloadType"], document["signatures"]
    # ASCII only: two spellings of one letter would be two types.
    if not isinstance(kind, str) or not kind.isascii() or not 0 < len(kind) <= _MAX_TYPE:
        _refuse("payloadType is not a short ASCII text")
    if not isinstance(signatures, list) or not 0 < len(signatures) <= MAX_SIGNATURES:
        _refuse(f"signatures is not a list of 1 to {MAX_SIGNATURES} signatures")
    try:
        # Either alphabet (protocol.md, "Signature Definition"), each in its one canonical spelling.
        payload = decode_member(document["payload"], "payload", decode_either_base64)
        return DsseEnvelope(payload, kind, tuple(_signature(value) for value in signatures))
    except InvalidBase64 as error:
        _refuse(str(error))


def _signature(value: Any) -> DsseSignature:
    if not isinstance(value, dict) or "sig" not in value:
        _refuse("a signature must have sig and may have keyid")
    # "MUST NOT be used for security decisions" (protocol.md): kept for messages. null is unset, which is the same as empty.
    keyid = "" if value.get("keyid") is None else value["keyid"]
    if not isinstance(keyid, str):
        _refuse("a signature's keyid is not a text")
    signature = decode_member(value["sig"], "sig", decode_either_base64)
    if not signature:
        _refuse("a signature is empty")
    return DsseSignature(signature, keyid)


def _refuse(why: str) -> NoReturn:
    raise VerificationError(Reason.ENVELOPE_MALFORMED, f"not a DSSE envelope: {why}")
