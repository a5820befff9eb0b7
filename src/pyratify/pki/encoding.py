"""Base64 in its one canonical spelling (RFC 4648, sections 3.5, 4 and 5).

Python's own decoders drop characters outside of the alphabet and ignore left-over bits, so one value has many spellings.
"""

import base64
import binascii
from collections.abc import Callable

_STANDARD = str.maketrans("-_", "+/")


class InvalidBase64(ValueError):
    """A text that is not the canonical encoding of any bytes."""


def decode_base64(text: str) -> bytes:
    """Decode standard base64 with padding (RFC 4648, section 4).

    Raises:
        InvalidBase64: The text has other characters, white space, wrong padding or left-over bits.
    """
    try:
        # Strict mode refuses foreign characters and padding in the wrong place, not left-over bits.
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # also what is not ASCII
        raise InvalidBase64("not base64") from None
    # Encoded again: the only spelling with the unused bits zero is the one that comes back.
    if binascii.b2a_base64(data, newline=False).decode("ascii") != text:
        raise InvalidBase64("not canonical base64")
    return data


def decode_base64_lines(text: str) -> bytes:
    """Decode standard base64 that may be broken into lines, as the program `base64` prints it.

    Carriage returns and line feeds are ignored, as Go does (encoding/base64). Only for text that is not itself signed: a
    signed document has one spelling.

    Raises:
        InvalidBase64: As `decode_base64`, for everything else.
    """
    return decode_base64(text.replace("\r", "").replace("\n", ""))


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding (RFC 7515, section 2).

    Raises:
        InvalidBase64: The text has other characters, padding, white space or left-over bits.
    """
    try:
        # Padding is added for the decoder, and refused in the text by the comparison below.
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidBase64("not base64url") from None
    if encode_base64url(data) != text:
        raise InvalidBase64("not canonical base64url without padding")
    return data


def decode_either_base64(text: str) -> bytes:
    """Decode standard or URL-safe base64 with padding, never a mixture (RFC 4648, sections 4 and 5).

    Raises:
        InvalidBase64: As `decode_base64`.
    """
    if "-" not in text and "_" not in text:
        return decode_base64(text)
    # One alphabet: with both, a text would have spellings without number.
    if "+" in text or "/" in text:
        raise InvalidBase64("not base64")
    return decode_base64(text.translate(_STANDARD))


def decode_member(value: object, name: str, decode: Callable[[str], bytes] = decode_base64) -> bytes:
    """Decode a member of a JSON document.

    Args:
        value: The member, of whatever type it has.
        name: What it is called, for the message.
        decode: One of the decoders above.

    Raises:
        InvalidBase64: It is no text, or not canonical: a clause that begins with the name.
    """
    if not isinstance(value, str):
        raise InvalidBase64(f"{name} is not a text")
    try:
        return decode(value)
    except InvalidBase64 as error:
        raise InvalidBase64(f"{name} is {error}") from None


def encode_base64(data: bytes) -> str:
    """Encode as standard base64 with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def encode_base64url(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
