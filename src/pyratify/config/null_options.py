"""Finds nulls in place of options: `trustedRoot: null` looks like a demand, and msgspec reads it as if the key were left out."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from pyratify.config.locations import join


class NullOption(NamedTuple):
    """A null where an option may be left out.

    Attributes:
        owner: The object that has it.
        key: Its key there.
        path: Its path from the value that was searched.
        kind: The type of the option.
    """

    owner: dict[str, Any]
    key: str
    path: str
    kind: Any


def null_options(kind: Any, data: Any) -> Iterator[NullOption]:
    """Iterate over the nulls in place of options whose default is null.

    Values of the type `Any` are not looked into: in a JSON Schema, null is a value like others.

    Args:
        kind: The type that the data has: a struct, or what is made of them.
        data: JSON values.
    """
    return _below(kind, data, "") if _has_null(data) else iter(())


def without_nulls(kind: Any, data: Any) -> Any:
    """Return JSON values of a type with the keys left out that have null in place of an option; they are changed in place."""
    for null in tuple(null_options(kind, data)):
        del null.owner[null.key]
    return data


def _has_null(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_has_null, data.values()))
    return any(map(_has_null, data)) if isinstance(data, list | tuple) else data is None


def _below(kind: Any, data: Any, path: str) -> Iterator[NullOption]:
    if get_origin(kind) is Annotated:
        yield from _below(get_args(kind)[0], data, path)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _members(kind, data, path) if isinstance(data, dict) else ()
    elif isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping):
        values = get_args(kind)[1]
        for key, value in data.items() if isinstance(data, dict) else ():
            yield from _below(values, value, join(path, key))
    elif get_origin(kind) in (tuple, list):
        for index, value in enumerate(data if isinstance(data, list | tuple) else ()):
            yield from _below(get_args(kind)[0], value, f"{path}[{index}]")
    else:  # of a union, each part that the data may be
        for part in get_args(kind):
            yield from _below(part, data, path)


def _members(kind: type[msgspec.Struct], data: dict[str, Any], path: str) -> Iterator[NullOption]:
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in data:
            continue
        value, place = data[field.encode_name], join(path, field.encode_name)
        if value is None and field.default is None:
            yield NullOption(data, field.encode_name, place, field.type)
        else:
            yield from _below(field.type, value, place)
