"""Checks of numbers, which OPA computes in decimal and the embedded engine in 64 bits; each returns its argument or raises ValueError."""

import json
import re
from contextlib import suppress
from types import MappingProxyType
from typing import Any

# Sums and differences of what is less are exact. What is more than the greater comes out of the engine as if it were that.
_MAX, _ENGINE_MAX = 2**62, 2**63 - 1
_COUNTABLE = 2**53
_MAX_DIGITS = 300
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPED = MappingProxyType({ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})


def check_integer(value: Any) -> Any:
    """Refuse what is no integer, and one whose sums the engine might round."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _MAX:
        raise ValueError("is no integer, or too large")
    return value


def check_operand(value: Any) -> Any:
    """Return an operand of arithmetic as an integer: 7.0 is 7, and sums of other fractions are rounded otherwise in OPA."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _COUNTABLE:
        return int(value)
    return check_integer(value)


def check_operands(value: Any) -> Any:
    """Return a list or set of operands."""
    if isinstance(value, set | frozenset):
        return {check_operand(each) for each in value}
    return [check_operand(each) for each in value] if isinstance(value, list | tuple) else value


def check_countable(value: Any) -> Any:
    """Refuse a number whose nearest integers differ between the engines."""
    if isinstance(value, int | float) and (abs(value) >= _COUNTABLE or -1 < value < 0):
        raise ValueError("is too large, or between -1 and 0")
    return value


def check_numeral(value: Any) -> Any:
    """Refuse a text that is no number in JSON, and a number that is not kept."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            raise ValueError("is no number in JSON")
        check_number(value)
    elif isinstance(value, int) and abs(value) >= _ENGINE_MAX:
        raise ValueError("is too large")
    return value


def check_no_number(value: Any) -> Any:
    """Refuse a number: it is what a helper in Rego calls for one."""
    del value  # the message names it
    raise ValueError("is a number, where %s is for a text: write %v")


def check_shown(value: Any) -> Any:
    """Refuse a number that OPA writes with an exponent, and the engine without, or the other way round."""
    if (isinstance(value, int) and abs(value) >= _ENGINE_MAX) or (
        isinstance(value, float) and value and not 1e-4 <= abs(value) < 1e6
    ):
        raise ValueError("is a number that is written otherwise")
    return value


def check_marshalled(value: str) -> str:
    """Return JSON as Go writes it, whose numbers have no exponent."""
    json.loads(value, parse_float=_without_exponent)
    return value.translate(_ESCAPED)


def check_json(value: Any) -> Any:
    """Refuse JSON with a number that the engine would round; what is no JSON is an error in the engine, too."""
    if isinstance(value, str):
        with suppress(json.JSONDecodeError):
            json.loads(value, parse_int=check_number, parse_float=check_number)
    return value


def check_number(text: str) -> None:
    """Refuse a number in JSON that the engine would round."""
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


def _without_exponent(number: str) -> None:
    if "e" in number:
        raise ValueError("has a number that is written otherwise")
