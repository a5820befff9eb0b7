"""Decodes JSON values into frozen structs; errors carry the path."""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from pyratify.config.decode_keys import name_keys
from pyratify.config.locations import join
from pyratify.config.null_options import null_options
from pyratify.core.errors import ConfigurationError

T = TypeVar("T")
# msgspec gives the place in the text of its exception only.
_WHERE = re.compile(r" - at (?:`key` in )?`(?:key in )?\$([^`]*)`\Z")
_NO_JSON = object()
_MOST_CHOICES = 8
_NEAR = 0.66  # a letter or two of a word: what is further off misleads
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `[^`]*`\Z")
_WORDS = {
    "str": "a text (in quotes)",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "keys with values",
    "array": "a list",
}
_NO_CHOICE = re.compile(r"Invalid enum value (['\"])(.*)\1", re.DOTALL)
_BOUND = re.compile(r"Expected `(?:int|float)` (>=|>|<=|<) (\S+)\Z")
_BOUNDS = {">=": "of at least", ">": "above", "<=": "of at most", "<": "below"}
_LENGTH = re.compile(r"Expected `(array|str|object)` of length (>=|<=) (\d+)\Z")
_UNITS = {"array": "entries", "str": "characters", "object": "keys"}
_MISSING = re.compile(r"missing required field `([^`]*)`")


class ShapeError(ConfigurationError):
    """JSON values of another shape than the struct; arguments as for `ConfigurationError`.

    Args:
        unknown: The unknown key, where that is the fault; the path is that of its object.
        near: The known key that is nearest to it.
        missing: The missing key, where that is the fault.
        expected: The expected type, as `float | null` of a key that may be left out, where the type is the fault.
        stand_in: One of the known texts, where the fault is another one.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        remedy: str | None = None,
        unknown: str = "",
        near: str = "",
        missing: str = "",
        expected: str = "",
        stand_in: str | None = None,
    ) -> None:
        super().__init__(message, path=path, remedy=remedy, stand_in=stand_in)
        self.unknown = unknown
        self.near = near
        self.missing = missing
        self.expected = expected

    @property
    def place(self) -> str:
        """The path of what is wrong, an unknown key included."""
        return join(self.path, self.unknown)


def decode(kind: type[T], data: Any, path: str = "", *, nulls: bool = False) -> T:
    """Convert JSON values to a type; nothing is coerced and unknown keys are refused.

    Args:
        kind: A struct, or any type that msgspec converts to.
        data: JSON values.
        path: Their path in the configuration.
        nulls: Whether a key may have null in place of being left out, as generated clients of an API send it.

    Raises:
        ConfigurationError: With the path, and for an unknown key the nearest known one.
    """
    try:
        # Not strict, msgspec would read the text "1" as a number and "false" as a boolean.
        found = msgspec.convert(data, kind, strict=True)
        if not nulls:
            _check_nulls(kind, data, path)
        return found
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, path, data) from None
    except RecursionError:
        raise ShapeError("nested too deeply", path=path, remedy="Write it flatter.") from None


def _check_nulls(kind: Any, data: Any, path: str) -> None:
    for null in null_options(kind, data):
        try:
            msgspec.convert(_NO_JSON, null.kind, strict=True)
        except msgspec.ValidationError as error:
            fault = _explained(
                str(error).replace("got `object`", "got `null`"), null.kind, join(path, null.path), _NO_JSON
            )
            fault.remedy = f"{fault.remedy.removesuffix('.')}, or leave the key out."
            raise fault from None


def _fault(kind: Any, data: Any) -> str:
    try:
        msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _explained(text: str, kind: Any, path: str, data: Any) -> ShapeError:
    match = _WHERE.search(text)
    # msgspec's root is `$`; the path of this value stands before it.
    where = match[1].removeprefix(".") if match else ""
    message = text[: match.start()] if match else text
    remedy, near, stand_in = None, "", None
    unknown, missing, expected = (pattern.search(message) for pattern in (_UNKNOWN, _MISSING, _EXPECTED))
    if unknown:
        remedy, near = _suggest(unknown[1], _structs_at(kind, where))
        message = f"unknown key {unknown[1][:80]!r}"
    elif missing:
        remedy = f"Add {missing[1]} there."
    elif expected:
        kinds = [_WORDS.get(each, each) for each in expected[1].split(" | ") if each != "null"]
        remedy = f"Write {' or '.join(kinds)} there."
    elif bound := _BOUND.search(message):
        remedy = f"Write a number {_BOUNDS[bound[1]]} {bound[2]} there."
    elif length := _LENGTH.search(message):
        remedy = _of_length(*length.groups())
    elif choice := _NO_CHOICE.match(message):
        choices = _choices_at(kind, where)
        message, remedy = _no_choice(choice[2], choices)
        stand_in = choices[0] if choices else None
    message = message.replace("Object missing required field", "the required key is missing:")
    message = message.replace("`", "").replace(" | null,", ",")  # a key is left out instead
    return ShapeError(
        f"{message[0].lower()}{message[1:]}",
        path=join(path, name_keys(where, data, partial(_fault, kind))),
        remedy=remedy,
        unknown=unknown[1] if unknown else "",
        near=near,
        missing=missing[1] if missing else "",
        expected=expected[1] if expected else "",
        stand_in=stand_in,
    )


def _of_length(kind: str, sign: str, bound: str) -> str:
    if sign == "<=":
        return f"Write at most {bound} {_UNITS[kind]} there."
    if bound != "1":
        return f"Write at least {bound} {_UNITS[kind]} there."
    one = "a text that is not empty" if kind == "str" else "at least one"
    return f"Write {one} there, or leave the key out where it may be omitted."


def _no_choice(value: str, choices: tuple[str, ...]) -> tuple[str, str | None]:
    if not choices:
        return f"invalid value {value[:80]!r}", None
    # Lazy: imported for a message only.
    from difflib import get_close_matches

    lower = {each.lower(): each for each in choices}
    near = get_close_matches(value.lower(), lower, n=1, cutoff=_NEAR)
    known, remedy = ", ".join(choices), f"Write one of {', '.join(choices)}."
    if len(choices) > _MOST_CHOICES:
        known, remedy = f"the {len(choices)} known values", "`ratify config schema` lists them."
    return f"{value[:80]!r} is none of {known}", f"Did you mean {lower[near[0]]!r}?" if near else remedy


def _choices_at(kind: Any, where: str) -> tuple[str, ...]:
    """Return the texts that a place within a type may have; none where that cannot be told."""
    parent, _, name = re.sub(r"\[[^\]]*\]", "", where).rpartition(".")
    fields = (field for struct in _structs_at(kind, parent) for field in msgspec.structs.fields(struct))
    return tuple(
        dict.fromkeys(text for each in fields if each.encode_name == name for text in _texts(each.type))
    )


def _texts(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        # Empty: the default of a key that may be left out.
        yield from (each for each in get_args(kind) if isinstance(each, str) and each)
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        yield from (each.value for each in kind)
    else:
        for part in get_args(kind):
            yield from _texts(part)


def _suggest(name: str, known_in: frozenset[type[msgspec.Struct]]) -> tuple[str, str]:
    # Lazy: imported for a message only.
    from difflib import get_close_matches

    fields = (field for struct in known_in for field in msgspec.structs.fields(struct))
    known = sorted({field.encode_name for field in fields})
    lower = {each.lower(): each for each in known}
    # Without case: `verifiername` for `verifierName` would be far off for the matcher.
    near = get_close_matches(name.lower(), lower, n=1, cutoff=_NEAR)
    if not near:
        return f"Known keys are: {', '.join(known)}.", ""
    return f"Did you mean {lower[near[0]]!r}?", lower[near[0]]


def _structs_at(kind: Any, where: str) -> frozenset[type[msgspec.Struct]]:
    """Return the structs that may stand at a place within a type; all of the type's where that cannot be told."""
    found = _own(kind)
    for name in re.findall(r"[^.]+", re.sub(r"\[[^\]]*\]", "", where)):
        fields = [field for struct in found for field in msgspec.structs.fields(struct)]
        below = [_own(field.type) for field in fields if field.encode_name == name]
        found = frozenset().union(*below)
    return found or frozenset(structs(kind))


def _own(kind: Any) -> frozenset[type[msgspec.Struct]]:
    """Return the structs that a type is, without those of their fields."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return frozenset((kind,))
    return frozenset[type[msgspec.Struct]]().union(*map(_own, getattr(kind, "__args__", ())))


def structs(kind: Any, seen: frozenset[Any] = frozenset()) -> frozenset[type[msgspec.Struct]]:
    """Return all structs that a type is made of."""
    # Structs may contain themselves, as the rules of a policy do.
    if kind in seen:
        return frozenset()
    seen |= {kind}
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    fields = [field.type for field in msgspec.structs.fields(kind)] if is_struct else []
    found = frozenset((kind,)) if is_struct else frozenset()
    for part in (*fields, *getattr(kind, "__args__", ())):
        found |= structs(part, seen | found)
    return found
