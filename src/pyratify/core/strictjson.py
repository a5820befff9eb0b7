"""JSON of untrusted origin: one document, read in one way only.

Refused before anything is trusted: duplicate keys, NaN and infinities, numbers too long to be honest, deep nesting,
trailing data, a byte order mark, anything that is not UTF-8, and lone surrogates (RFC 8259, sections 4, 6, 7 and 8).
"""

import json
import math
import re
from typing import Any

from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason

MAX_DEPTH = 64
_MAX_NUMBER = 32
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Possessive, and content with a string that never ends: linear for every input.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class InvalidJson(RatifyError, ValueError):
    """A document that is not JSON, or not JSON that every reader understands in the same way."""


def loads(data: bytes, *, what: str = "document") -> Any:
    """Parse one JSON document.

    Args:
        data: The bytes, UTF-8 without a byte order mark.
        what: The name of the document in messages.

    Raises:
        InvalidJson: `JSON_DUPLICATE_KEY`, `PARSE_LIMIT` (nesting over 64 levels) or `JSON_INVALID`.
    """
    _check_depth(data, what)
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except InvalidJson as error:
        raise InvalidJson(error.reason, f"{what}: {error.message}") from None
    except RecursionError:
        raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: nested too deeply") from None
    except ValueError as error:
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: not JSON: {_position(error)}") from None
    if _SURROGATE.search(data):
        _check_surrogates(value, what)
    return value


def load_object(data: bytes, *, what: str = "document") -> dict[str, Any]:
    """Parse one JSON document that must be an object; errors as in `loads`."""
    value = loads(data, what=what)
    if not isinstance(value, dict):
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: not a JSON object")
    return value


def _position(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "invalid value"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidJson(Reason.JSON_DUPLICATE_KEY, "an object has the same key twice")
    return result


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER:
        raise InvalidJson(Reason.JSON_INVALID, "a number is too long")
    return int(text)


def _real(text: str) -> float:
    value = float(text) if len(text) <= _MAX_NUMBER else math.inf
    if not math.isfinite(value):
        raise InvalidJson(Reason.JSON_INVALID, "a number is too large or too long")
    return value


def _constant(text: str) -> float:
    raise InvalidJson(Reason.JSON_INVALID, f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_real, parse_constant=_constant
)


def _check_depth(data: bytes, what: str) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: nested more than {MAX_DEPTH} levels")


def _check_surrogates(value: Any, what: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: a string has a lone surrogate") from None
