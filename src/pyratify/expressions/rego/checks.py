"""Checks of arguments, called by rewritten policies: each returns its argument, as OPA and the engine evaluate it alike, or raises.

An error ends the evaluation, also in a negation, so a policy that meets a difference between the engines denies.
"""

import base64
import binascii
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pyratify.expressions.rego import numbers as rego_numbers
from pyratify.expressions.rego.patterns import write_glob, write_pattern

PREFIX = "__pyratify_"
"""Begins the names of what rewritten policies call."""
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
        "cased": (1, _cased),
        "comparable": (1, _comparable),
        "countable": (1, rego_numbers.check_countable),
        "encoded": (1, _encoded),
        "filled": (1, _filled),
        "glob": (2, write_glob),
        "integer": (1, rego_numbers.check_integer),
        "json": (1, rego_numbers.check_json),
        "marshalled": (1, rego_numbers.check_marshalled),
        "network": (1, _network),
        "no_number": (1, rego_numbers.check_no_number),
        "number": (1, rego_numbers.check_numeral),
        "operand": (1, rego_numbers.check_operand),
        "operands": (1, rego_numbers.check_operands),
        "pattern": (1, _pattern),
        "semver": (1, _semver),
        "shown": (1, rego_numbers.check_shown),
        "template": (1, _template),
        "time": (1, _time),
    }
)
"""How many arguments each takes, and what it is."""
HELPERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        # The engine counts halves of characters.
        "count": ("is_string(x)", 'count(split(x, ""))', "count(x)"),
        "difference": ("is_set(x)", "x", f"{PREFIX}operand(x)"),
        "text": ("is_number(x)", f"{PREFIX}no_number(x)", "x"),
        "value": ("is_number(x)", f"{PREFIX}shown(x)", "x"),
    }
)
"""Functions in Rego, for arguments of which some cannot leave the engine: a condition on `x`, and what is returned where it holds, and where not."""
