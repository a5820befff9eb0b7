"""Renders a JSON value as indented lines or as a tree; every text in it is escaped."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.render.plain import clean
from pyratify.render.text import cut
from pyratify.render.tree import Node, draw


def render_facts(facts: Mapping[str, Any]) -> str:
    """Return a JSON object as lines of `name: value`, without a line break at the end."""
    return cut(tuple(_lines(facts, "")))


def render_tree(facts: Mapping[str, Any] | list[Any]) -> str:
    """Return a JSON object, or a list of objects, as a tree; its first member, where it is a scalar, is the root."""
    if isinstance(facts, list):
        return "\n".join(render_tree(each) if isinstance(each, Mapping) else _scalar(each) for each in facts)
    nodes = [_node(each, item) for each, item in facts.items()]
    head = nodes.pop(0).text if nodes and not nodes[0].children else "."
    return cut((head, *draw(tuple(nodes))))


def _node(name: str, item: Any) -> Node:
    # Names come from attestations too, so they are as untrusted as values.
    label = clean(str(name), 120)
    if isinstance(item, Mapping):
        return Node(label, tuple(_node(each, below) for each, below in item.items()))
    if isinstance(item, list | tuple):
        below = (_node(str(number), each) for number, each in enumerate(item, 1))
        return Node(label if item else f"{label}: none", tuple(below))
    return Node(f"{label}: {_scalar(item)}")


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
