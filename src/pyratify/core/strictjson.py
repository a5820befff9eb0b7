"""JSON of untrusted origin: one document, read in one way only.

Bytes, tokens and depth are counted before anything is parsed: a value takes up to forty times its text in memory. Refused
before anything is trusted: duplicate keys, NaN and infinities, numbers too long to be honest, deep nesting,
trailing data, a byte order mark, anything that is not UTF-8, and lone surrogates (RFC 8259, sections 4, 6, 7 and 8).
"""

import codecs
import json
import math
import re
from itertools import islice
from typing import Any

from pyratify.core.errors import RatifyError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason

MAX_DEPTH = 64
MAX_BYTES = 4 * MIB
MAX_TOKENS = 100_000
"""Of one document: some 10 MiB once parsed, and 50 ms; a descriptor with its annotations has 10 to 40."""
_MAX_NUMBER = 32  # characters; an integer of 64 bits has 20
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STRUCTURE = b'[]{},:"'
_NOT_STRUCTURE = bytes(set(range(256)) - set(_STRUCTURE))
# One token and what stands before it: an opening bracket, a closing one, or a string, number or word. Possessive, with strings
# that never end and, after the last, with a token that is not there: linear for every input.
_TOKEN = re.compile(
    rb'[\s,:]*+(?:([\[{])|([\]}])|("(?:[^"\\]++|\\.)*+"?|[^\s"\[\]{},:]++))?',
    re.DOTALL,
)
_GROUP = 1000
_GROUP_OF_TOKENS = re.compile(
    rb'(?:[\s,:]*+(?:[\[{\]}]|"(?:[^"\\]++|\\.)*+"?|[^\s"\[\]{},:]++)){%d}+' % _GROUP,
    re.DOTALL,
)
_PIECE = 64 * 1024  # bytes that one call looks at: meanwhile, no other thread has the interpreter


class InvalidJson(RatifyError, ValueError):
    """A document that is not JSON, or not JSON that every reader understands in the same way."""


def loads(
    data: bytes, *, what: str = "document", max_bytes: int = MAX_BYTES, max_tokens: int = MAX_TOKENS
) -> Any:
    """Parse one JSON document.

    Args:
        data: The bytes, UTF-8 without a byte order mark.
        what: The name of the document in messages.
        max_bytes: The most bytes.
        max_tokens: The most tokens: brackets, strings, numbers and words.

    Raises:
        InvalidJson: `JSON_DUPLICATE_KEY`, `PARSE_LIMIT` (bytes, tokens, or nesting over 64 levels) or `JSON_INVALID`.
    """
    _check_price(data, what, max_bytes, max_tokens)
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except InvalidJson as error:
        raise InvalidJson(error.reason, f"{what}: {error.message}") from None
    except RecursionError:
        raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: nested too deeply") from None
    except ValueError as error:
        # From None: the library's error holds the whole document.
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: not JSON: {_position(error, data)}") from None
    # Only documents with such an escape are written out a second time.
    if _SURROGATE.search(data):
        _check_surrogates(value, what)
    return value


def load_object(
    data: bytes, *, what: str = "document", max_bytes: int = MAX_BYTES, max_tokens: int = MAX_TOKENS
) -> dict[str, Any]:
    """Parse one JSON document that must be an object; arguments and errors as for `loads`."""
    value = loads(data, what=what, max_bytes=max_bytes, max_tokens=max_tokens)
    if not isinstance(value, dict):
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: not a JSON object")
    return value


def _position(error: ValueError, data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "it begins with a byte order mark"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "invalid value"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    # RFC 8259 4: of equal names one reader takes the first, another the last.
    if len(result) != len(pairs):
        raise InvalidJson(Reason.JSON_DUPLICATE_KEY, "an object has the same key twice")
    return result


def _integer(text: str) -> int:
    # `int` takes quadratic time for long texts.
    if len(text) > _MAX_NUMBER:
        raise InvalidJson(Reason.JSON_INVALID, "a number is too long")
    return int(text)


def _real(text: str) -> float:
    # RFC 8259 6: 1e999 is infinite for this reader, a large number for another.
    value = float(text) if len(text) <= _MAX_NUMBER else math.inf
    if not math.isfinite(value):
        raise InvalidJson(Reason.JSON_INVALID, "a number is too large or too long")
    return value


def _constant(text: str) -> float:
    raise InvalidJson(Reason.JSON_INVALID, f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_real, parse_constant=_constant
)


def _check_price(data: bytes, what: str, max_bytes: int, max_tokens: int) -> None:
    """Refuse by size, tokens and nesting before parsing; a short document is not scanned, as it has few tokens."""
    if len(data) > max_bytes:
        raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: {len(data)} bytes, more than the {max_bytes} allowed")
    # Brackets in strings count too: a closer look is only taken where there are many.
    if len(data) <= max_tokens and data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    if _may_have_more(data, max_tokens) and _has_more(data, max_tokens):
        raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: more than the {max_tokens} JSON tokens allowed")
    if not _is_shallow(data) and _is_deep(data):
        raise InvalidJson(Reason.PARSE_LIMIT, f"{what}: nested more than {MAX_DEPTH} levels")


def _may_have_more(data: bytes, max_tokens: int) -> bool:
    """Return whether a document may have more tokens: no value stands without a comma, a colon or a bracket before it.

    True is no answer: what stands in strings is counted too.
    """
    most, quotes = 1, 0
    for start in range(0, len(data), _PIECE):
        found = data[start : start + _PIECE].translate(None, _NOT_STRUCTURE)
        quotes += found.count(b'"')
        # A bracket is a token, and a value may follow it; two quotes are one token.
        most += len(found) + found.count(b"[") + found.count(b"{")
        if most - quotes + quotes // 2 > max_tokens:
            return True
    return False


def _has_more(data: bytes, max_tokens: int) -> bool:
    """Return whether a document has more tokens; reads no further than it must, and a thousand in a call."""
    count = position = 0
    while count <= max_tokens and (group := _GROUP_OF_TOKENS.match(data, position)):
        count += _GROUP
        position = group.end()
    rest = islice(_TOKEN.finditer(data, position), _GROUP)
    return count > max_tokens or count + sum(token.lastindex is not None for token in rest) > max_tokens


def _is_deep(data: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(data):
        if token.lastindex == 1:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token.lastindex == 2:
            depth -= 1
    return False


def _is_shallow(data: bytes) -> bool:
    """Return whether the document is surely within the nesting allowed; five times as fast as the exact scan.

    False is no answer: the exact scan decides.
    """
    if b"\\" in data:
        # Backslashes first: a quote after a pair of them ends its string. Outside strings the decoder refuses them.
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(data.split(b'"')[::2]).translate(_ONE_KIND, _NOT_BRACKETS)
    # Each round takes away the innermost pairs, one level.
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def _check_surrogates(value: Any, what: str) -> None:
    try:
        # RFC 8259 8.2: readers differ on a lone surrogate, and UTF-8 has no form for it.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidJson(Reason.JSON_INVALID, f"{what}: a string has a lone surrogate") from None
