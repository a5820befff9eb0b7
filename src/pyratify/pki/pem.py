"""PEM, read strictly (RFC 7468).

A reader that skips what it does not understand makes a smaller set of trusted keys out of a damaged file, silently.
Here everything outside of the blocks must be blank or a comment line that starts with `#`.
"""

import re
from dataclasses import dataclass

from pyratify.pki.encoding import InvalidBase64, decode_base64

MARKER = b"-----BEGIN "
_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{1,64})-----[ \t]*\n(?P<body>[A-Za-z0-9+/=\s]*)-----END (?P=label)-----[ \t]*(?:\n|\Z)"
)
_BETWEEN = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*(?:[ \t]*(?:#[^\n]*)?\Z)?")


class InvalidPem(ValueError):
    """A text with something that is neither a PEM block nor a comment."""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block.

    Attributes:
        label: What it calls itself, as `CERTIFICATE`.
        data: Its decoded content.
    """

    label: str
    data: bytes


def is_pem(data: bytes) -> bool:
    """Tell whether the data is meant to be PEM."""
    return MARKER in data


def read_pem(data: bytes) -> tuple[Block, ...]:
    """Return the blocks of a PEM document, in order.

    Raises:
        InvalidPem: Something in it is not a well-formed block, white space or a comment.
    """
    try:
        text = data.decode("ascii").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidPem("it has bytes that are not ASCII") from None
    blocks: list[Block] = []
    position = _skip(text, 0)
    while position < len(text):
        match = _BLOCK.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise InvalidPem(f"line {line} begins neither a whole PEM block nor a comment")
        blocks.append(_decode(match))
        position = _skip(text, match.end())
    return tuple(blocks)


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _decode(match: re.Match[str]) -> Block:
    try:
        return Block(match["label"], decode_base64("".join(match["body"].split())))
    except InvalidBase64 as error:
        raise InvalidPem(f"a block {match['label']!r} is {error}") from None
