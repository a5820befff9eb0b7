"""Values of ASN.1 types, read from strict DER one level at a time (ITU-T X.690, sections 8 and 11)."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pyratify.pki.der import Element, InvalidDer, read_element, read_elements

BOOLEAN = 0x01
INTEGER = 0x02
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31
# Certificates and tokens have some ten in one value; this bounds what a hostile one costs.
MAX_ELEMENTS = 1000
# DER: always seconds and Z, no zeros at the end of a fraction (X.690, 11.7).
_TIME = re.compile(rb"(\d{14})(?:\.(\d{0,8}[1-9]))?Z", re.ASCII)


def context(number: int, *, constructed: bool = True) -> int:
    """Return the identifier octet of `[number]` in the context-specific class."""
    return 0x80 | number | (0x20 if constructed else 0)


def encode(tag: int, content: bytes) -> bytes:
    """Return the encoding of a value: identifier octet, shortest length, content."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_object_identifier(text: str) -> bytes:
    """Return the encoding of an object identifier in dotted notation (section 8.19)."""
    first, second, *arcs = map(int, text.split("."))
    return encode(OBJECT_IDENTIFIER, b"".join(map(_arc, (40 * first + second, *arcs))))


class Cursor:
    """Reads the elements inside a constructed value one after another.

    Raises:
        InvalidDer: The content is not DER, or has more than 1000 elements.
    """

    def __init__(self, content: bytes) -> None:
        self._elements = _bounded(read_elements(content))
        self._position = 0

    def next(self, tag: int) -> Element:
        """Return the next element, which must have the tag.

        Raises:
            InvalidDer: It has another, or there is none.
        """
        element = self.optional(tag)
        if element is None:
            raise InvalidDer(f"an element with the tag {tag:#04x} is missing")
        return element

    def optional(self, tag: int) -> Element | None:
        """Return the next element if it has the tag; else None, without advancing."""
        if self._position < len(self._elements) and self._elements[self._position].tag == tag:
            self._position += 1
            return self._elements[self._position - 1]
        return None

    def rest(self) -> tuple[Element, ...]:
        """Return all elements that are left."""
        rest, self._position = self._elements[self._position :], len(self._elements)
        return rest

    def end(self) -> None:
        """Refuse elements that are left.

        Raises:
            InvalidDer: There are some.
        """
        if self._position != len(self._elements):
            raise InvalidDer("there are elements left, more than expected")


def open_sequence(data: bytes, tag: int = SEQUENCE) -> Cursor:
    """Return a cursor inside the only value of the data, which must have the tag."""
    return Cursor(read_element(data, tag).content)


def members(content: bytes, tag: int) -> tuple[Element, ...]:
    """Return the members of a SET OF or SEQUENCE OF, which must all have the tag.

    Raises:
        InvalidDer: One has not.
    """
    found = _bounded(read_elements(content))
    # A SET OF or SEQUENCE OF has one type; a stray member would be skipped silently elsewhere.
    if any(member.tag != tag for member in found):
        raise InvalidDer("a member is of another type")
    return found


def integer(element: Element) -> int:
    """Return the value of an INTEGER under any tag (section 8.3).

    Raises:
        InvalidDer: It is empty or longer than needed.
    """
    data = element.content
    # X.690, 8.3.2: the first nine bits are never all equal.
    if not data or (len(data) > 1 and data[0] in (0x00, 0xFF) and data[0] >> 7 == data[1] >> 7):
        raise InvalidDer("an integer is empty or longer than needed")
    return int.from_bytes(data, "big", signed=True)


def object_identifier(element: Element) -> str:
    """Return an OBJECT IDENTIFIER in dotted notation (section 8.19).

    Raises:
        InvalidDer: It is empty, too long, ends early or is longer than needed.
    """
    data = element.content
    # Bounded: the arithmetic on a long arc is quadratic in its length.
    if not data or len(data) > 64 or data[-1] & 0x80:
        raise InvalidDer("an object identifier is empty, too long or ends early")
    arcs: list[int] = []
    value = 0
    for octet in data:
        # X.690, 8.19.2: padding would give one identifier two spellings.
        if octet == 0x80 and value == 0:
            raise InvalidDer("an object identifier is longer than needed")
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(value)
            value = 0
    # X.690, 8.19.4: the first two arcs share one number, and only the arc 2 may exceed 39.
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def algorithm(element: Element) -> str:
    """Return the object identifier of an AlgorithmIdentifier whose parameters are absent or NULL.

    Raises:
        InvalidDer: It has other parameters.
    """
    cursor = Cursor(element.content)
    identifier = object_identifier(cursor.next(OBJECT_IDENTIFIER))
    # Parameters would change the algorithm, as for RSASSA-PSS; NULL is what RSA has (RFC 3279, 2.2.1).
    if any((parameter.tag, parameter.content) != (0x05, b"") for parameter in cursor.rest()):
        raise InvalidDer("an algorithm has parameters, where only NULL is allowed")
    return identifier


def time(element: Element) -> datetime:
    """Return a UTCTime or GeneralizedTime (section 11.7 and 11.8), to the microsecond.

    Raises:
        InvalidDer: It is not in its one form, or no such time exists.
    """
    data = element.content
    if element.tag == UTC_TIME:  # RFC 5280, section 4.1.2.5.1: years 1950 to 2049
        data = (b"19" if data[:1] >= b"5" else b"20") + data if len(data) == 13 else b""
    match = _TIME.fullmatch(data)
    if match is None:
        raise InvalidDer("a time is not in the form YYYYMMDDhhmmss[.f]Z")
    digits = match[1].decode("ascii")
    parts = (int(digits[start:end]) for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
    year, month, day, hour, minute, second = parts
    # Cut off, not rounded: a time must not move into the future.
    micros = int((match[2] or b"").ljust(6, b"0")[:6])
    # Leap seconds and the 30th of February have the right form, and are no times.
    try:
        return datetime(year, month, day, hour, minute, second, micros, UTC)
    except ValueError:
        raise InvalidDer("no such time exists") from None


def _bounded(elements: Iterable[Element]) -> tuple[Element, ...]:
    found: list[Element] = []
    for element in elements:
        if len(found) == MAX_ELEMENTS:
            raise InvalidDer(f"more than {MAX_ELEMENTS} elements in one value")
        found.append(element)
    return tuple(found)


def _arc(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))
