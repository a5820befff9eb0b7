"""From JSON values to frozen structs, with errors that say where."""

import re
from typing import Any, TypeVar

import msgspec

from pyratify.config.paths import join
from pyratify.core.errors import ConfigurationError

T = TypeVar("T")
_WHERE = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def decode(kind: type[T], data: Any, path: str = "") -> T:
    """Return JSON values as that type; nothing is coerced and unknown keys are refused.

    Args:
        kind: A struct, or any type that msgspec converts to.
        data: What JSON or YAML said.
        path: Where in the configuration that is.

    Raises:
        ConfigurationError: With the path, and for an unknown key the nearest that there is.
    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, path) from None
    except RecursionError:
        raise ConfigurationError("nested too deeply", path=path) from None


def _explained(text: str, kind: Any, path: str) -> ConfigurationError:
    match = _WHERE.search(text)
    where = match[1].removeprefix(".") if match else ""
    message = text[: match.start()] if match else text
    remedy = None
    unknown = _UNKNOWN.search(message)
    if unknown:
        remedy = _suggest(unknown[1], kind)
        message = f"unknown key {unknown[1][:80]!r}"
    message = message.replace("Object missing required field", "the required key is missing:")
    message = message.replace("`", "")
    return ConfigurationError(
        f"{message[0].lower()}{message[1:]}", path=join(path, where.replace("[...]", ".*")), remedy=remedy
    )


def _suggest(name: str, kind: Any) -> str:
    from difflib import get_close_matches

    fields = (field for struct in structs(kind) for field in msgspec.structs.fields(struct))
    known = sorted({field.encode_name for field in fields})
    lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), lower, n=1)
    return f"Did you mean {lower[near[0]]!r}?" if near else f"Known keys are: {', '.join(known)}."


def structs(kind: Any, seen: frozenset[Any] = frozenset()) -> frozenset[type[msgspec.Struct]]:
    """Return all structs that a type is made of."""
    if kind in seen:
        return frozenset()
    seen |= {kind}
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    fields = [field.type for field in msgspec.structs.fields(kind)] if is_struct else []
    found = frozenset((kind,)) if is_struct else frozenset()
    for part in (*fields, *getattr(kind, "__args__", ())):
        found |= structs(part, seen | found)
    return found
