"""Checks of arguments, called by rewritten policies: each returns its argument, as OPA and the engine evaluate it alike, or raises.

An error ends the evaluation, also in a negation, so a policy that meets a difference between the engines denies.
"""

import base64
import binascii
import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pyratify.expressions.rego_patterns import write_glob, write_pattern

PREFIX = "__pyratify_"
"""Begins the names of what rewritten policies call."""
# Sums and differences of what is less are exact. What is more than the greater comes out of the engine as if it were that.
_MAX, _ENGINE_MAX = 2**62, 2**63 - 1
_COUNTABLE = 2**53
_MAX_DIGITS = 300
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SEMVER = re.compile(
    r"(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17})){2}(?:-[0-9A-Za-z-]{1,18}(?:\.[0-9A-Za-z-]{1,18})*)?(?:\+[0-9A-Za-z.-]+)?"
)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_TEMPLATE = re.compile(
    r"(?:[^$]|\$\$|\$\{(?:0|[1-9][0-9]?|[A-Za-z_]\w*)\}|\$(?:0|[1-9][0-9]?|[A-Za-z_][0-9A-Za-z_]*)(?![0-9A-Za-z_]|[^\x00-\x7F]))*",
    re.ASCII,
)
_ESCAPED = MappingProxyType({ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})


def _integer(value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _MAX:
        raise ValueError("is no integer, or too large")
    return value


def _operand(value: Any) -> Any:
    # 7.0 is 7; sums of other fractions are rounded otherwise in OPA.
    if isinstance(value, float) and value.is_integer() and abs(value) < _COUNTABLE:
        return int(value)
    return _integer(value)


def _operands(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return {_operand(each) for each in value}
    return [_operand(each) for each in value] if isinstance(value, list | tuple) else value


def _countable(value: Any) -> Any:
    if isinstance(value, int | float) and (abs(value) >= _COUNTABLE or -1 < value < 0):
        raise ValueError("is too large, or between -1 and 0")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            raise ValueError("is no number in JSON")
        check_number(value)
    elif isinstance(value, int) and abs(value) >= _ENGINE_MAX:
        raise ValueError("is too large")
    return value


def check_number(text: str) -> None:
    """Refuse a number in JSON that the engine would round.

    Raises:
        ValueError: It has too many digits.
    """
    if not _is_kept(text):
        raise ValueError("has a number of more digits than the engine keeps")


def _is_kept(text: str) -> bool:
    if len(text) > _MAX_DIGITS:
        return False
    if text.lstrip("-").isdigit():
        return abs(int(text)) <= _ENGINE_MAX or int(float(text)) == int(text)
    digits = re.sub(r"[eE].*|[.-]", "", text).strip("0")
    # A zero of many places, or a number that became one, or endless.
    return not digits or (len(digits) <= 17 and 1e-300 < abs(float(text)) < 1e300)


def check_numbers(text: str) -> None:
    """Refuse JSON with a number that the engine would round; what is no JSON is an error in the engine, too.

    Raises:
        ValueError: It has one.
    """
    with suppress(json.JSONDecodeError):
        json.loads(text, parse_int=check_number, parse_float=check_number)


def _json(value: Any) -> Any:
    if isinstance(value, str):
        check_numbers(value)
    return value


def _marshalled(value: str) -> str:
    json.loads(value, parse_float=_plain)
    # As Go writes it.
    return value.translate(_ESCAPED)


def _plain(number: str) -> None:
    if "e" in number:
        raise ValueError("has a number that is written otherwise")


def _filled(value: Any) -> Any:
    if value == "":
        raise ValueError("is empty")
    return value


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        try:
            base64.b64decode(
                value.rstrip("=") + "===", altchars="-_" if {"-", "_"} & set(value) else None
            ).decode()
        except binascii.Error:
            pass  # an error in the engine, too
        except UnicodeDecodeError:
            raise ValueError("encodes what is no text in UTF-8") from None
    return value


def _cased(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii() and not all(map(_has_simple_case, value)):
        raise ValueError("has a letter whose other case is several letters, or depends on those beside it")
    return value


def _has_simple_case(letter: str) -> bool:
    # Of what is no letter yet, the engines may know different cases.
    return (
        len(letter.upper()) == len(letter.lower()) == 1
        and letter != "\u03a3"
        and unicodedata.category(letter) != "Cn"
    )


def _comparable(value: Any) -> Any:
    # OPA takes null for what is not yet found.
    if isinstance(value, list | tuple | set | frozenset) and None in value:
        raise ValueError("has null")
    return value


def _network(value: Any) -> Any:
    if isinstance(value, str) and ("+" in value or _is_mapped(value)):
        raise ValueError("is an IPv4 address in IPv6, or has a sign")
    return value


def _is_mapped(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value.partition("/")[0])
    except ValueError:
        return False
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _semver(value: Any) -> Any:
    if isinstance(value, str) and _SEMVER.fullmatch(value) is None:
        raise ValueError("is no semantic version, or has too large a part")
    return value


def _time(value: Any) -> Any:
    if isinstance(value, str) and _TIME.fullmatch(value) is None:
        raise ValueError("is no time of RFC 3339 in capitals")
    return value


# Patterns are few, and a policy may match one against each of many values.
@lru_cache(maxsize=256)
def _pattern(value: Any) -> Any:
    return write_pattern(value) if isinstance(value, str) else value


def _template(value: Any) -> Any:
    if isinstance(value, str) and _TEMPLATE.fullmatch(value) is None:
        raise ValueError("has a $ that names no group: write $1, ${name}, or $$ for the sign itself")
    return value


def _glob(value: Any, delimiters: Any) -> Any:
    return write_glob(value, delimiters)


def _no_number(value: Any) -> Any:
    del value  # the message names it
    raise ValueError("is a number, where %s is for a text: write %v")


def _shown(value: Any) -> Any:
    if (isinstance(value, int) and abs(value) >= _ENGINE_MAX) or (
        isinstance(value, float) and value and not 1e-4 <= abs(value) < 1e6
    ):
        raise ValueError("is a number that is written otherwise")
    return value


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a check as a policy calls it: its error names the value."""

    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except ValueError as error:
            raise ValueError(f"{repr(values[0])[:80]} {error}, so OPA may decide otherwise") from None

    return call


CHECKS: Mapping[str, tuple[int, Callable[..., Any]]] = MappingProxyType(
    {
        "glob": (2, _glob),
        **{
            check.__name__.strip("_"): (1, check)
            for check in (
                *(
                    _cased,
                    _comparable,
                    _countable,
                    _encoded,
                    _filled,
                    _integer,
                    _json,
                    _marshalled,
                    _network,
                    _no_number,
                ),
                *(_number, _operand, _operands, _pattern, _semver, _shown, _template, _time),
            )
        },
    }
)
"""How many arguments each takes, and what it is."""
HELPERS: Mapping[str, str] = MappingProxyType(
    {
        # The engine counts halves of characters.
        "count": 'array.concat([count(x) | is_string(x) == false], [count(split(x, "")) | is_string(x)])[0]',
        "difference": f"array.concat([x | is_set(x)], [{PREFIX}operand(x) | is_set(x) == false])[0]",
        "text": f"array.concat([x | is_number(x) == false], [{PREFIX}no_number(x) | is_number(x)])[0]",
        "value": f"array.concat([x | is_number(x) == false], [{PREFIX}shown(x) | is_number(x)])[0]",
    }
)
"""What each returns of `x`, in both syntaxes of Rego: for arguments of which some cannot leave the engine."""
