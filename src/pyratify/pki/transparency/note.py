"""Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint)."""

import re
from typing import NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import InvalidBase64, decode_base64
from pyratify.pki.transparency.merkle import HASH_SIZE

MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 100
# signed-note: an em dash, the key's name without white space or plus, then base64.
_LINE = re.compile("\N{EM DASH} ([^ +\\s]+) ([A-Za-z0-9+/=]+)")
# signed-note forbids control characters but the line feed.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# No sign and no leading zeros: the text is signed, and has one spelling.
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HINT = 4


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: The name of the key.
        hint: The first four bytes of the key's identifier.
        value: The signature.
    """

    name: str
    hint: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's statement about its tree, with the signatures on it.

    Attributes:
        origin: The log's unique name.
        size: The number of leaves.
        root: The root hash.
        signed: The bytes that are signed.
        signatures: At least one.
    """

    origin: str
    size: int
    root: bytes
    signed: bytes
    signatures: tuple[NoteSignature, ...]


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint; its signatures are not verified.

    Raises:
        VerificationError: `TLOG_CHECKPOINT_INVALID`.
    """
    if len(text) > MAX_NOTE or _CONTROL.search(text):
        _refuse("it is too large or has control characters")
    # The last empty line: the text above may have empty lines of its own.
    body, separator, signatures = text.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        _refuse("it is no signed note")
    lines = body.split("\n")
    # tlog-checkpoint: origin, size, root hash; more lines may follow, and are signed with them.
    if len(lines) < 3 or not lines[0].strip():
        _refuse("it lacks its origin, size or root hash")
    if not _SIZE.fullmatch(lines[1]):
        _refuse("its size is no number")
    root = _base64(lines[2])
    if len(root) != HASH_SIZE:
        _refuse("its root hash is not of 32 bytes")
    signed = f"{body}\n".encode()
    return Checkpoint(lines[0], int(lines[1]), root, signed, _signatures(signatures))


def _signatures(text: str) -> tuple[NoteSignature, ...]:
    lines = text[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        _refuse(f"it has more than {MAX_SIGNATURES} signatures")
    return tuple(_signature(line) for line in lines)


def _signature(line: str) -> NoteSignature:
    match = _LINE.fullmatch(line)
    if match is None:
        _refuse("a signature line is malformed")
    value = _base64(match[2])
    if len(value) <= _HINT:
        _refuse("a signature is empty")
    return NoteSignature(match[1], value[:_HINT], value[_HINT:])


def _base64(text: str) -> bytes:
    try:
        return decode_base64(text)
    except InvalidBase64 as error:
        _refuse(f"a part is {error}")


def _refuse(why: str) -> NoReturn:
    raise VerificationError(Reason.TLOG_CHECKPOINT_INVALID, f"the log's checkpoint is not acceptable: {why}")
