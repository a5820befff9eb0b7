"""Names the keys of mappings in the place of a fault, which msgspec leaves out."""

import re
from collections.abc import Callable, Mapping
from typing import Any

ANY_KEY = "[...]"
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_MOST = 256
_SHOWN = 80


def name_keys(where: str, data: Any, fault: Callable[[Any], str]) -> str:
    """Return a place with the keys that msgspec writes as `[...]`, or `*` where that cannot be told.

    Args:
        where: The place, as msgspec writes it.
        data: What was converted.
        fault: Returns the fault of converting other data, with its place; empty where there is none.
    """
    shown, *others = where.split(ANY_KEY)
    steps = _steps(shown)
    for index, other in enumerate(others):
        found = _key(steps, data, fault)
        if found is None:
            return ".*".join((shown, *others[index:]))
        key, data = found
        # As it is written, dots included: lines of the file are looked up by it.
        shown += f".{key[:_SHOWN]}{other}"
        steps += [key, *_steps(other)]
    return shown


def _key(steps: list[str | int], data: Any, fault: Callable[[Any], str]) -> tuple[str, Any] | None:
    """Return the first key below a place whose value alone has the fault, and the data with it alone."""
    mapping = _at(steps, data)
    if not isinstance(mapping, Mapping) or len(mapping) > _MOST:
        return None
    whole = fault(data)
    for key, value in mapping.items():
        alone = _with(steps, data, {key: value})
        if isinstance(key, str) and fault(alone) == whole:
            return key, alone
    return None


def _steps(where: str) -> list[str | int]:
    return [name or int(index) for name, index in _STEP.findall(where)]


def _at(steps: list[str | int], data: Any) -> Any:
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _with(steps: list[str | int], data: Any, value: Any) -> Any:
    """Return data with another value at a place that it has."""
    if not steps:
        return value
    step, *rest = steps
    copied: Any = dict(data) if isinstance(data, Mapping) else list(data)
    copied[step] = _with(rest, data[step], value)
    return copied
