"""Responses of timestamp servers (RFC 3161, section 2.4.2, TimeStampResp)."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki import asn1
from pyratify.pki.asn1 import Cursor
from pyratify.pki.der import InvalidDer

_GRANTED = (0, 1)  # granted, and granted with modifications


def token_of(response: bytes) -> bytes:
    """Return the token of a response that grants one; the token is not verified.

    Raises:
        VerificationError: `TIMESTAMP_INVALID`: malformed, refused, or without a token.
    """
    try:
        cursor = asn1.open_sequence(response)
        status = asn1.integer(Cursor(cursor.next(asn1.SEQUENCE).content).next(asn1.INTEGER))
        # A refusal has no token (RFC 3161, section 2.4.2).
        if status not in _GRANTED:
            raise InvalidDer(f"the timestamp server refuses, with the status {status}")
        token = asn1.encode(asn1.SEQUENCE, cursor.next(asn1.SEQUENCE).content)
        cursor.end()
    except InvalidDer as error:
        raise VerificationError(Reason.TIMESTAMP_INVALID, f"no timestamp: {error}") from None
    return token
