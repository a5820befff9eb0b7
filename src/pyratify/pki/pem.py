"""PEM (RFC 7468): strict blocks, with any text around them.

Text outside of the blocks is ignored (section 5.2): `openssl x509 -text`, "Bag Attributes", headings and comments. A reader
that took a damaged block for such text would silently load fewer trusted keys than the file has. So every block must be
well-formed, and no text outside may look like a block that lost its beginning or its end.
"""

import codecs
import re

from pyratify.core.dataclass import dataclass
from pyratify.pki.der import SEQUENCE, InvalidDer, read_elements
from pyratify.pki.encoding import InvalidBase64, decode_base64, encode_base64

MARKER = b"-----BEGIN "
UNTRUSTED = 128 * 1024  # a certificate of the largest size that is read, with some text around it
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*", re.ASCII)
_BODY = re.compile(r"[A-Za-z0-9+/= \t]*", re.ASCII)
_COMMENT = re.compile(r"[ \t]*#")
# Those that word processors put in the place of hyphens. A set of them in the expression takes half a millisecond to compile.
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
_REMAINS = re.compile(  # every repetition is bounded or anchored, so that a line is searched in linear time
    r"--[ \t]{0,8}(?:BEGIN|END)\b"
    r"|\b(?:BEGIN|END)[ \t]{1,8}[\w. ]{1,64}--"
    r"|-{4}[ \t]{0,8}(?i:begin|end)\b"
    r"|^[ \t]*-{3,}[A-Z][A-Z0-9 ]*-{3,}[ \t]*\Z"
    r"|^[ \t]*M[A-P][A-Za-z0-9+/]{38,}={0,2}[ \t]*\Z"  # base64 of a DER sequence that no block contains
)


class InvalidPem(ValueError):
    """A text with a damaged PEM block."""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block.

    Attributes:
        label: What it calls itself, as `CERTIFICATE`.
        data: Its decoded content.
    """

    label: str
    data: bytes

    def encode(self) -> str:
        """Return the block as section 3 writes it, in lines of 64 characters."""
        text = encode_base64(self.data)
        lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
        return f"-----BEGIN {self.label}-----\n{lines}\n-----END {self.label}-----\n"


def is_pem(data: bytes) -> bool:
    """Tell PEM, and every other text, from DER (sequences, one after another) by the content."""
    # The tag of a SEQUENCE, 0x30, is the character `0`, with which a text may begin as well.
    if not data.startswith(bytes((SEQUENCE,))):
        return True
    try:
        # Certificates are concatenated in DER files too, so all of it has to be sequences.
        return not all(element.tag == SEQUENCE for element in read_elements(data))
    except InvalidDer:
        return MARKER in data


def read_blocks(data: bytes) -> tuple[Block, ...] | None:
    """Return the blocks of a file with keys or certificates, at least one; None where it is DER.

    By content: they come inline and from mounted Secrets, without a name that tells.

    Raises:
        InvalidPem: It is empty, damaged, or neither of both.
    """
    if not data.strip():
        raise InvalidPem("it is empty")
    if not is_pem(data):
        return None
    blocks = read_pem(data)
    if not blocks:
        raise InvalidPem("it is neither DER nor a text with a PEM block")
    return blocks


def read_pem(data: bytes, limit: int | None = None) -> tuple[Block, ...]:
    """Return the blocks of a text, in order; none where it has none.

    Args:
        data: The text.
        limit: How many bytes it may have; `UNTRUSTED` for evidence of an artifact.

    Raises:
        InvalidPem: It is too long, a block is damaged, or something outside looks like a part of one.
    """
    # First: the search for remains looks at each line, and the text may be evidence.
    if limit is not None and len(data) > limit:
        raise InvalidPem(f"it has {len(data)} bytes, more than the {limit} allowed")
    # Explanatory text may be in any encoding; blocks are ASCII, so replaced characters damage none.
    # Editors on Windows add the mark and CR; both are allowed around and between lines (RFC 7468, section 3).
    text = (
        data.removeprefix(codecs.BOM_UTF8)
        .decode("utf-8", "replace")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )
    blocks: list[Block] = []
    opened: tuple[str, int] | None = None
    body: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if opened is None:
            opened, body = _outside(line, number), []
        elif line.rstrip(" \t") == f"-----END {opened[0]}-----":
            blocks.append(_decode(*opened, "".join(body)))
            opened = None
        elif _BODY.fullmatch(line):
            # White space inside of lines is ignored, as parsers do (RFC 7468, section 3, "lax").
            body.append(line.replace(" ", "").replace("\t", ""))
        else:
            raise InvalidPem(
                f"line {number} is neither base64 nor the END of the block {opened[0]!r} of line {opened[1]}"
            )
    # Cut off: what was read of it may be less than the file once had.
    if opened is not None:
        raise InvalidPem(f"the block {opened[0]!r} that begins in line {opened[1]} has no END")
    return tuple(blocks)


def _outside(line: str, number: int) -> tuple[str, int] | None:
    """Return the label and line of a block that begins here; None for text around blocks."""
    if begin := _BEGIN.fullmatch(line):
        return begin[1], number
    # A comment may quote a marker, as in "# -----BEGIN CERTIFICATE----- follows".
    if _REMAINS.search(line.translate(_DASHES)) and not _COMMENT.match(line):
        raise InvalidPem(
            f"line {number} looks like a part of a damaged PEM block: {line.strip()[:40]!r}; "
            "blocks begin and end at the start of a line"
        )
    return None


def _decode(label: str, number: int, body: str) -> Block:
    try:
        return Block(label, decode_base64(body))
    except InvalidBase64 as error:
        raise InvalidPem(f"the block {label!r} that begins in line {number} is {error}") from None
