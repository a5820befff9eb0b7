"""Rewrites negations as OPA evaluates them, where data is missing.

OPA evaluates what an expression is made of before its `not`: `not input.level > 3` is undefined where there is no level, and
nothing is allowed by it. The engine takes all of it into the negation, which is then true. Each negation is therefore written
behind an assignment of its parts, which fails where one is missing: `_ = [(input.level)]; not input.level > 3`.
"""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]
_COMPREHENSIONS = frozenset({"ArrayCompr", "SetCompr", "ObjectCompr"})
_REFERENCES = frozenset({"RefDot", "RefBrack", "Var"})
_OPERATIONS = frozenset({"BoolExpr", "ArithExpr", "BinExpr", "Membership", "UnaryExpr"})
_QUOTES = (b'"', b"`")
_OPERANDS = ("lhs", "rhs", "key", "value", "collection", "expr")
_CONSTANTS = frozenset({"String", "RawString", "Number", "Bool", "True", "False", "Null"})


def rewrite_negations(text: str, modules: list[Node]) -> str:
    """Return the policy with what OPA evaluates before each negation."""
    # The engine's spans count bytes, not characters.
    data = text.encode()
    # A body without braces is one expression.
    bare = {_place(query, data) for query in _bodies(modules) if not _text(query, data).startswith(b"{")}
    changes: list[tuple[int, bytes]] = []
    for query in _queries(modules):
        for statement in query["stmts"]:
            if (parts := _parts(statement, data)) is None:
                continue
            is_bare = _place(query, data) in bare
            changes.append((_place(statement, data)[0], (b"{ " if is_bare else b"") + parts))
            if is_bare:
                changes.append((_place(query, data)[1], b" }"))
    # From the end, so that the places before stay what they are; only insertions, so that negations may stand in one another.
    for place, new in sorted(changes, reverse=True):
        data = data[:place] + new + data[place:]
    return data.decode()


def _parts(statement: Node, data: bytes) -> bytes | None:
    negation = statement["literal"].get("NotExpr")
    parts = [] if negation is None else [_text(node, data) for node in _before(negation["expr"])]
    if not parts:
        return None
    # They count for the parts as for the negation.
    modifiers = (
        b" with " + _text(each["refr"], data) + b" as " + _text(each["as"], data)
        for each in statement.get("with_mods", ())
    )
    return b"_ = [" + b", ".join(b"(" + part + b")" for part in parts) + b"]" + b"".join(modifiers) + b"; "


def _before(node: Node) -> Iterator[Node]:
    """Iterate over what is evaluated before the negation of an expression."""
    ((kind, inner),) = node.items()
    # What is compared may itself be missing: the comparison is false, and its negation true.
    if kind in ("BoolExpr", "AssignExpr") and inner["op"] == "Eq":
        yield from _inside(inner["lhs"])
        yield from _inside(inner["rhs"])
    elif kind == "Call":
        for each in inner["params"]:
            yield from _whole(each)
    elif kind in _OPERATIONS:
        for each in _operands(inner):
            yield from _whole(each)
    else:
        yield from _inside(node)


def _inside(node: Node) -> Iterator[Node]:
    """Iterate over what is evaluated before a term that may itself be missing: of a reference, what stands in its brackets."""
    ((kind, inner),) = node.items()
    if kind in ("RefDot", "RefBrack"):
        yield from _inside(inner["refr"])
        if kind == "RefBrack":
            yield from _whole(inner["index"])
    elif kind not in _COMPREHENSIONS and kind != "Var":
        yield from _whole(node)


def _whole(node: Node) -> Iterator[Node]:
    """Iterate over the parts of a term that must all be there."""
    ((kind, inner),) = node.items()
    if kind in ("Array", "Set"):
        for each in inner["items"]:
            yield from _whole(each)
    elif kind == "Object":
        for _, key, value in inner["fields"]:
            yield from _whole(key)
            yield from _whole(value)
    # Of what is computed, the operands: what cannot be computed is an error.
    elif kind in _OPERATIONS:
        for each in _operands(inner):
            yield from _whole(each)
    elif kind in _REFERENCES:
        if inner.get("value") != "_":
            yield node
    # A comprehension is always there, and so is the number of its members.
    elif kind not in _COMPREHENSIONS and kind not in _CONSTANTS and not _is_count(node):
        yield node


def _operands(inner: Node) -> Iterator[Node]:
    """Iterate over the operands of an operation, in whatever members they stand."""
    return (inner[name] for name in _OPERANDS if inner.get(name) is not None)


def _is_count(node: Node) -> bool:
    call = node.get("Call")
    if call is None or call["fcn"].get("Var", {}).get("value") != "count" or len(call["params"]) != 1:
        return False
    return not _COMPREHENSIONS.isdisjoint(call["params"][0])


def _bodies(modules: list[Node]) -> Iterator[Node]:
    for rule in (each for module in modules for each in module["ast"]["rules"]):
        for body in rule.get("Spec", {}).get("bodies", ()):
            yield body["query"]


def _queries(node: Any) -> Iterator[Node]:
    # A stack in place of recursion: the depth of the tree is up to the policy.
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if isinstance(each.get("stmts"), list):
                yield each
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


def _text(node: Node, data: bytes) -> bytes:
    start, end = _place(node, data)
    return data[start:end]


def _place(node: Node, data: bytes) -> tuple[int, int]:
    span = node.get("span") or next(iter(node.values()))["span"]
    start, end = span["start"], span["end"]
    # Of a text, and of what begins or ends with one, the engine leaves the quotation mark out.
    start -= data[start - 1 : start] in _QUOTES
    end += data[end : end + 1] in _QUOTES
    return start, end
