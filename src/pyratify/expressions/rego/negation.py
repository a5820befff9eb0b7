"""Rewrites negations as OPA evaluates them, where data is missing.

OPA evaluates what an expression is made of before its `not`: `not input.level > 3` is undefined where there is no level, and
nothing is allowed by it. The engine takes all of it into the negation, which is then true. Each negation is therefore written
behind a comparison of its parts, which fails where one is missing: `[(input.level)] != 0; not input.level > 3`. No assignment: the engine
would evaluate that before a statement below gives a variable of it a value, and find nothing.
"""

from collections.abc import Iterator

from pyratify.expressions.rego.tree import (
    COLLECTIONS,
    COMPREHENSIONS,
    CONSTANTS,
    OPERATIONS,
    REFERENCES,
    Change,
    Node,
    Tree,
    members,
    name_of,
    operands,
    unpack,
)


def rewrite_negations(tree: Tree) -> str:
    """Return the policy with what OPA evaluates before each negation."""
    # A body without braces is one expression; in v0, that of an `else` begins with it.
    bare = {
        tree.place(each["query"]) for each in tree.bodies() if tree.text(each["query"]).startswith(b"not")
    }
    # Only insertions, so that negations may stand in one another.
    changes: list[Change] = []
    for query in tree.queries():
        for statement in query["stmts"]:
            if (parts := _parts(statement, tree)) is None:
                continue
            (start, _), place = tree.place(statement), tree.place(query)
            changes.append((start, start, (b"{ " if place in bare else b"") + parts))
            if place in bare:
                changes.append((place[1], place[1], b" }"))
    return tree.changed(changes)


def _parts(statement: Node, tree: Tree) -> bytes | None:
    negation = statement["literal"].get("NotExpr")
    parts = [] if negation is None else [tree.text(node) for node in _before(negation["expr"])]
    if not parts:
        return None
    # They count for the parts as for the negation.
    modifiers = (
        b" with " + tree.text(each["refr"]) + b" as " + tree.text(each["as"])
        for each in statement.get("with_mods", ())
    )
    return b"[" + b", ".join(b"(" + part + b")" for part in parts) + b"] != 0" + b"".join(modifiers) + b"; "


def _before(node: Node) -> Iterator[Node]:
    """Iterate over what is evaluated before the negation of an expression."""
    kind, inner = unpack(node)
    # What is compared may itself be missing: the comparison is false, and its negation true.
    if kind in ("BoolExpr", "AssignExpr") and inner["op"] == "Eq":
        yield from _inside(inner["lhs"])
        yield from _inside(inner["rhs"])
    elif kind == "Call":
        for each in inner["params"]:
            yield from _whole(each)
    elif kind in OPERATIONS:
        for each in operands(inner):
            yield from _whole(each)
    else:
        yield from _inside(node)


def _inside(node: Node) -> Iterator[Node]:
    """Iterate over what is evaluated before a term that may itself be missing: of a reference, what stands in its brackets."""
    kind, inner = unpack(node)
    if kind in ("RefDot", "RefBrack"):
        yield from _inside(inner["refr"])
        if kind == "RefBrack":
            yield from _whole(inner["index"])
    elif kind not in COMPREHENSIONS and kind != "Var":
        yield from _whole(node)


def _whole(node: Node) -> Iterator[Node]:
    """Iterate over the parts of a term that must all be there."""
    kind, inner = unpack(node)
    if kind in COLLECTIONS:
        for each in members(node):
            yield from _whole(each)
    # Of what is computed, the operands: what cannot be computed is an error.
    elif kind in OPERATIONS:
        for each in operands(inner):
            yield from _whole(each)
    elif kind in REFERENCES:
        if inner.get("value") != "_":
            yield node
    # A comprehension is always there, and so is the number of its members.
    elif kind not in COMPREHENSIONS and kind not in CONSTANTS and not _is_count(node):
        yield node


def _is_count(node: Node) -> bool:
    call = node.get("Call")
    if call is None or name_of(call["fcn"]) != "count" or len(call["params"]) != 1:
        return False
    return not COMPREHENSIONS.isdisjoint(call["params"][0])
