"""Estimates the memory of values, to bound caches by bytes: publishers decide how large reports are."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

ENTRY = 256
"""What an entry of a cache takes besides its key and its value."""
_COLLECTED = 16  # the header before every object that the garbage collector tracks
_MEMBER = 100  # of a mapping whose own table cannot be measured
_Parts = Callable[[Any], Iterable[object]]


def weigh(value: object, most: int = sys.maxsize) -> int:
    """Return about how many bytes a value holds, with everything in it, each object once.

    Args:
        value: Data: texts, numbers, collections, dataclasses; of other objects only their own size is counted.
        most: Where to stop counting; the answer is then more than that.
    """
    total, seen, left = 0, set[int](), [value]
    while left and total <= most:
        item = left.pop()
        fixed, parts = _kind(type(item))  # type: ignore[arg-type]
        # Each object once, also against values that contain themselves.
        if fixed < 0 or id(item) in seen:
            continue
        seen.add(id(item))
        total += sys.getsizeof(item) + fixed
        if parts is not None:
            left.extend(parts(item))
            if parts is _members:
                total += _MEMBER * len(item)  # type: ignore[arg-type]
    return total


@cache
def _kind(kind: Any) -> tuple[int, _Parts | None]:
    """Return the fixed bytes besides `getsizeof`, and the function that returns the parts; -1 for shared singletons."""
    if kind in (type(None), bool) or issubclass(kind, Enum):
        return -1, None
    if issubclass(kind, str | bytes | int | float):
        return 0, None
    if issubclass(kind, list | tuple | set | frozenset):
        return _COLLECTED, iter
    if issubclass(kind, Mapping):
        return _COLLECTED, _entries if issubclass(kind, dict) else _members
    names = tuple(each.name for each in fields(kind)) if is_dataclass(kind) else ()
    if len(names) < 2:  # attrgetter returns a tuple for several names only
        return _COLLECTED, (lambda item: [getattr(item, names[0])]) if names else None
    return _COLLECTED, attrgetter(*names)


def _entries(item: Mapping[Any, Any]) -> Iterable[object]:
    return (*item.keys(), *item.values())


def _members(item: Mapping[Any, Any]) -> Iterable[object]:
    return (*item.keys(), *item.values())
