"""The format of the evidence: what is signed, and how it is written down."""

import base64
import binascii
from typing import Any

from pyratify.core import strictjson
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import InvalidDigest
from pyratify.core.errors import VerificationError
from pyratify.core.manifest import read_descriptor
from pyratify.core.reason import Reason

ARTIFACT_TYPE = "application/vnd.example.ed25519.signature.v1"
MEDIA_TYPE = f"{ARTIFACT_TYPE}+json"
_FIELDS = {"subject", "signature"}


def signed_bytes(subject: Descriptor) -> bytes:
    """Return what a signature of the subject signs."""
    return f"ed25519-signature-v1\n{subject.media_type}\n{subject.digest}\n{subject.size}\n".encode()


def parse(data: bytes) -> tuple[Descriptor, bytes]:
    """Return whose signature the document says it is, and the signature.

    Raises:
        VerificationError: `JSON_INVALID`, `JSON_DUPLICATE_KEY`, `DIGEST_INVALID` or `ENVELOPE_MALFORMED`.
    """
    try:
        document = strictjson.load_object(data, what="signature")
        if document.keys() != _FIELDS:
            raise VerificationError(
                Reason.ENVELOPE_MALFORMED, "the signature has other members than it must have"
            )
        return read_descriptor(document["subject"], "subject"), _signature(document["signature"])
    except (strictjson.InvalidJson, InvalidDigest) as error:
        raise VerificationError(error.reason, error.message) from None


def _signature(value: Any) -> bytes:
    try:
        signature = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        signature = b""
    if len(signature) != 64 or base64.b64encode(signature).decode() != value:
        raise VerificationError(Reason.ENVELOPE_MALFORMED, "the signature is not the base64 of 64 bytes")
    return signature
