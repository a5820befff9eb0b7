"""Strict DER, for the fields that the certificate library does not expose (ITU-T X.690, section 10)."""

from collections.abc import Iterator
from itertools import islice

from pyratify.core.dataclass import dataclass

INTEGER = 0x02
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SET = 0x31


class InvalidDer(ValueError):
    """Bytes that are not DER of the expected shape."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element.

    Attributes:
        tag: The identifier octet; tags of more than one octet are refused.
        content: The content octets.
    """

    tag: int
    content: bytes


def read_element(data: bytes, tag: int) -> Element:
    """Return the only element of the data, which must have this tag.

    Raises:
        InvalidDer: It is something else, or something follows it.
    """
    elements = tuple(islice(read_elements(data), 2))
    if len(elements) != 1 or elements[0].tag != tag:
        raise InvalidDer(f"not exactly one element with tag {tag:#04x}")
    return elements[0]


def read_elements(data: bytes) -> Iterator[Element]:
    """Iterate over the elements of the data.

    Raises:
        InvalidDer: An indefinite or non-minimal length, a long tag, or an element that is cut off.
    """
    position = 0
    while position < len(data):
        tag = data[position]
        # X.509, CMS and RFC 3161 have no tag numbers above 30.
        if tag & 0x1F == 0x1F:
            raise InvalidDer("a tag of more than one octet")
        length, start = _length(data, position + 1)
        if start + length > len(data):
            raise InvalidDer("an element is cut off")
        yield Element(tag, data[start : start + length])
        position = start + length


def _length(data: bytes, position: int) -> tuple[int, int]:
    first = data[position] if position < len(data) else 0x80
    if first < 0x80:
        return first, position + 1
    start, count = position + 1, first & 0x7F
    # Four octets are 4 GiB; a longer length only serves to exhaust a reader.
    if not 0 < count <= 4 or start + count > len(data):
        raise InvalidDer("an indefinite length or one that is cut off")
    length = int.from_bytes(data[start : start + count], "big")
    # DER (X.690, 10.1): a longer form would be a second spelling of the same value.
    if length < 0x80 or length < 1 << (8 * (count - 1)):
        raise InvalidDer("a length that is not in its shortest form")
    return length, start + count
