"""Facts for people: a JSON value as indented lines, everything in it made safe to show."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.render.plain import clean
from pyratify.render.text import cut


def render_facts(facts: Mapping[str, Any]) -> str:
    """Return a JSON object as lines of `name: value`, without a line break at the end."""
    return cut(tuple(_lines(facts, "")))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _named(clean(str(name), 120), item, indent)
    else:
        for item in value:
            if isinstance(item, Mapping | list | tuple):
                first, *rest = _lines(item, f"{indent}  ") if item else (f"{indent}  -",)
                yield f"{indent}- {first.strip()}"
                yield from rest
            else:
                yield f"{indent}- {_scalar(item)}"


def _named(name: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping | list | tuple):
        yield f"{indent}{name}:{'' if item else ' none'}"
        yield from _lines(item, f"{indent}  ")
    else:
        yield f"{indent}{name}: {_scalar(item)}"


def _scalar(item: Any) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    return "none" if item is None else clean(str(item))
