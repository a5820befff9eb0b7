"""How many bytes values hold: what caches are bounded by, as publishers decide how large reports and documents are."""

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

ENTRY = 256
"""What an entry of a cache takes besides its key and its value."""
_COLLECTED = 16  # before every object that the collector looks at
_MEMBER = 100  # of a mapping whose own table cannot be measured
_ATOMS = (str, bytes, int, float)


def weigh(value: object, most: int = sys.maxsize) -> int:
    """Return about how many bytes a value holds, with everything in it, each object once.

    Args:
        value: Data: texts, numbers, collections, dataclasses; of other objects only their own size is counted.
        most: Where to stop counting; the answer is then more than that.
    """
    total, seen, left = 0, set[int](), [value]
    while left and total <= most:
        item = left.pop()
        if item is None or isinstance(item, bool | Enum) or id(item) in seen:
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)
        if not isinstance(item, _ATOMS):
            total += _COLLECTED
            left.extend(_parts(item))
            total += _MEMBER * len(item) if isinstance(item, Mapping) and not isinstance(item, dict) else 0
    return total


def _parts(item: Any) -> list[object]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(item)
    if is_dataclass(item):
        return [getattr(item, each.name, None) for each in fields(item)]
    return []
