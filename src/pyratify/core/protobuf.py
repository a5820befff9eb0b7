"""The wire format of Protocol Buffers, as far as messages of NRI and of CEL use it (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterator

_MAX_VARINT = 10  # bytes of 64 bits, seven each
_WIDTHS = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2
Value = int | bytes


class InvalidMessage(ValueError):
    """Bytes that are no message."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Iterate over the fields of a message: number and value, an integer or bytes.

    Raises:
        InvalidMessage: It is none, or has groups, which no message of version 3 has.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        # Reserved; Go's reader refuses it, too.
        if not number:
            raise InvalidMessage("a field has the number 0")
        if kind == _VARINT:
            value: Value
            value, place = _varint(data, place)
        else:
            # The kinds without a width, groups among them, end in the error below.
            size, place = _varint(data, place) if kind == _BYTES else (_WIDTHS.get(kind, -1), place)
            # Checked first: a slice beyond the end is short without an error.
            if size < 0 or place + size > len(data):
                raise InvalidMessage(f"the field {number} of kind {kind} is not whole")
            value, place = data[place : place + size], place + size
        yield number, value


def texts(data: bytes, *numbers: int) -> tuple[str, ...]:
    """Return the texts of these fields; empty for those that are absent, the last of several.

    Raises:
        InvalidMessage: It is no message, or one of them is no UTF-8 text.
    """
    found = dict.fromkeys(numbers, "")
    for number, value in fields(data):
        if number in found:
            found[number] = _text(value)
    return tuple(found.values())


def parts(data: bytes, number: int) -> list[bytes]:
    """Return the values of a repeated field of messages.

    Raises:
        InvalidMessage: It is no message, or the field has another kind.
    """
    return [_bytes(value) for each, value in fields(data) if each == number]


def part(data: bytes, number: int) -> bytes:
    """Return the value of a field that is a message; an empty one where it is absent. Several are one (the same page, "Last one wins").

    Raises:
        InvalidMessage: As in `parts`.
    """
    return b"".join(parts(data, number))


def integer(data: bytes, number: int) -> int:
    """Return the value of a field that is an integer; 0 where it is absent.

    Raises:
        InvalidMessage: It is no message, or the field has another kind.
    """
    found: Value = 0
    for each, value in fields(data):
        if each == number:
            found = value
    if not isinstance(found, int):
        raise InvalidMessage(f"the field {number} is no integer")
    return found


def mapping(data: bytes, number: int) -> dict[str, str]:
    """Return the value of a field that is a map of texts.

    Raises:
        InvalidMessage: As in `texts`.
    """
    found: dict[str, str] = {}
    for entry in parts(data, number):
        key, value = texts(entry, 1, 2)
        found[key] = value
    return found


def encode(**values: "str | int | bytes") -> bytes:
    """Return a message: `_1="text"` is the field 1; values that are empty or 0 are left out."""
    # proto3: an absent field has its default value.
    return b"".join(_field(int(name[1:]), value) for name, value in values.items() if value)


def _field(number: int, value: "str | int | bytes") -> bytes:
    if isinstance(value, int):
        return _written(number << 3 | _VARINT) + _written(value)
    data = value.encode() if isinstance(value, str) else value
    return _written(number << 3 | _BYTES) + _written(len(data)) + data


def _written(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(data[place : place + _MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return value, place + number + 1
    raise InvalidMessage("a number is not whole")


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise InvalidMessage("a field that has bytes is a number")
    return value


def _text(value: Value) -> str:
    try:
        return _bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidMessage("a text is not UTF-8") from None
