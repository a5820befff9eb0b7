"""Snappy's block format, decoded: GitHub compresses stored bundles with it (google/snappy, format_description.txt).

Written here: forty lines, for one caller, in place of a compiled dependency of every installation.
"""

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason

# A length of 32 bits, seven in a byte (format_description.txt, 1).
_MAX_VARINT = 5


def decode(data: bytes, most: int) -> bytes:
    """Return what a block holds.

    Args:
        data: The block.
        most: The most bytes that it may hold; a block that announces more is not decoded.

    Raises:
        StoreError: `DECOMPRESS_LIMIT`, or `REGISTRY_ERROR` for what is no block.
    """
    length, position = _length(data)
    if length > most:
        raise StoreError(
            Reason.DECOMPRESS_LIMIT,
            f"a compressed bundle announces {length} bytes, more than the {most} allowed",
        )
    found = bytearray()
    while position < len(data):
        position = _element(data, position, found, length)
    if len(found) != length:
        raise _malformed(f"it holds {len(found)} bytes and announces {length}")
    return bytes(found)


def _length(data: bytes) -> tuple[int, int]:
    length = 0
    for index, byte in enumerate(data[:_MAX_VARINT]):
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return length, index + 1
    raise _malformed("its length does not end")


def _element(data: bytes, position: int, found: bytearray, length: int) -> int:
    """Append what one element stands for; return where the next one begins."""
    tag, position = data[position], position + 1
    kind, size = tag & 3, tag >> 2
    # A literal, else a copy with an offset of 1, 2 or 4 bytes (format_description.txt, 2).
    if kind == 0:
        return _literal(data, position, size, found, length)
    if kind == 1:
        offset, taken, count = (tag >> 5) << 8, 1, (size & 7) + 4
    else:
        offset, taken, count = 0, 2 if kind == 2 else 4, size + 1
    offset |= int.from_bytes(_take(data, position, taken), "little")
    # Before anything is copied: memory stays within what was announced.
    if not 0 < offset <= len(found) or len(found) + count > length:
        raise _malformed("it copies from where there is nothing, or too much")
    start = len(found) - offset
    # A copy may overlap what it writes: then it repeats the last `offset` bytes.
    piece = bytes(found[start : start + count])
    found += (piece * (count // len(piece) + 1))[:count]
    return position + taken


def _literal(data: bytes, position: int, size: int, found: bytearray, length: int) -> int:
    # The length itself follows, in one to four bytes (format_description.txt, 2.1).
    if size >= 60:
        taken = size - 59
        size, position = int.from_bytes(_take(data, position, taken), "little"), position + taken
    count = size + 1
    if len(found) + count > length:
        raise _malformed("it holds more than it announces")
    found += _take(data, position, count)
    return position + count


def _take(data: bytes, position: int, count: int) -> bytes:
    piece = data[position : position + count]
    if len(piece) != count:
        raise _malformed("it ends too early")
    return piece


def _malformed(why: str) -> StoreError:
    return StoreError(Reason.REGISTRY_ERROR, f"a bundle is not compressed with snappy: {why}")
