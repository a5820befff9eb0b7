"""Refuses what the engine evaluates otherwise than OPA: negations over variables without a value, patterns of objects, sets as conditions.

`not input.list[_] == "bad"` reads as "none is bad". To OPA `_` is unsafe there; the engine evaluates it as "one is not bad".
"""

from collections.abc import Iterator
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.rego.numbers import check_number
from pyratify.expressions.rego.tree import (
    COLLECTIONS,
    COMPREHENSIONS,
    Node,
    Tree,
    free_variables,
    indexes,
    line_of,
    members,
    name_of,
    nodes,
    of_kind,
    operands,
    unpack,
)

_ALWAYS_TRUE = COMPREHENSIONS | COLLECTIONS
# `query`: the statements of `every`.
_WITH_STATEMENTS = COMPREHENSIONS | {"query"}


def refuse_unsafe_negations(tree: Tree, path: str) -> None:
    """Refuse a negation with a wildcard, or with a variable that no statement beside or around it names.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    rules = {name_of(each).partition(".")[0] for each in tree.rule_names()}
    shared = frozenset({"input", "data", *tree.import_names(), *rules})
    for rule in tree.rules():
        for negation, known in _negations(tree, rule, shared):
            for name, line in _variables(negation["expr"]):
                if name == "_" or name not in known:
                    raise ConfigurationError(
                        f"line {line}: in a negation nothing gives {name} a value",
                        path=path,
                        remedy="Write every x in list { not bad(x) }, or a rule of its own that finds one, and `not` with its name.",
                    )


def refuse_unused_variables(tree: Tree, path: str) -> None:
    """Refuse `some x` where x stands nowhere else in the body, as OPA does: a rule with it in its head has no member.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    for query in tree.queries():
        known = set(_names(query["stmts"], nested=True))
        for span in (each for statement in query["stmts"] for each in _declared(statement)):
            if (name := tree.word(span)) not in known:
                raise ConfigurationError(
                    f"line {span['line']}: nothing gives {name} a value",
                    path=path,
                    remedy=f"Write `some {name} in ...`, or leave the declaration out.",
                )


def refuse_early_every(tree: Tree, path: str) -> None:
    """Refuse `every` over a variable of `some` that a later statement gives a value: the engine evaluates it before, as undefined.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    for query in tree.queries():
        without: set[str] = set()
        for statement in query["stmts"]:
            without |= set(map(tree.word, _declared(statement)))
            without -= set(_names(statement))
            every = statement["literal"].get("Every", {})
            late = without - _own(tree, every)
            for node in (
                each for each in nodes(every.get("query")) if "Var" in each and name_of(each) in late
            ):
                raise ConfigurationError(
                    f"line {line_of(node)}: {name_of(node)} has no value before this `every`",
                    path=path,
                    remedy=f"Write the statement that gives {name_of(node)} a value before it.",
                )


def refuse_unsafe_heads(tree: Tree, path: str) -> None:
    """Refuse a variable in the head of a rule that its body does not name, as OPA does.

    To the engine it is an error of the evaluations in which the body is true.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    rules = {name_of(each).partition(".")[0] for each in tree.rule_names()}
    shared = {"input", "data", "_", *tree.import_names(), *rules}
    for spec in (rule["Spec"] for rule in tree.rules() if "Spec" in rule):
        _, head = unpack(spec["head"])
        bodies = spec["bodies"] or [{}]
        first = [*indexes(head["refr"]), head.get("key"), head.get("assign")]
        for terms, body in zip([first, *(each["assign"] for each in bodies[1:])], bodies, strict=True):
            # `input.list[i]` gives i a value in a head, too.
            found = {name_of(each["index"]) for each in of_kind(terms, "RefBrack")}
            known = shared | found | set(_names([head.get("args"), body.get("query")]))
            for variable in (each for each in free_variables(terms) if name_of(each) not in known):
                raise ConfigurationError(
                    f"line {line_of(variable)}: nothing gives {name_of(variable)} a value",
                    path=path,
                    remedy="Correct its name in the head of the rule, or give it a value in the body.",
                )


def refuse_numbers(tree: Tree, path: str) -> None:
    """Refuse numbers that the engine rounds or takes for an index, and a sign before an expression: to it `-a + b` is `-(a + b)`.

    Raises:
        ConfigurationError: With its line.
    """
    for node in nodes(tree.modules):
        if "Number" in node:
            _refuse_rounded(tree, node, path)
        index = node.get("RefBrack", {}).get("index", {})
        if "UnaryExpr" in node or ("Number" in index and not tree.text(index).isdigit()):
            raise ConfigurationError(
                f"line {line_of(node)}: a sign before an expression, and an index that is no whole number, give other results here than in OPA",
                path=path,
                remedy="Write 0 - x in place of -x, and list[0] in place of list[0.0].",
            )


def _refuse_rounded(tree: Tree, number: Node, path: str) -> None:
    text = tree.text(number).decode()
    try:
        check_number(text)
    except ValueError as error:
        raise ConfigurationError(
            f"line {line_of(number)}: {text[:60]} {error}",
            path=path,
            remedy="Write a number of fewer digits.",
        ) from None


def refuse_object_patterns(tree: Tree, path: str) -> None:
    """Refuse an object that is taken apart by a pattern: to OPA it has exactly the pattern's keys, to the engine also others.

    Raises:
        ConfigurationError: With its line.
    """
    for node in nodes(tree.modules):
        if any(_has_object(pattern) for pattern in _patterns(node)):
            raise ConfigurationError(
                f"line {line_of(node)}: a pattern of an object gives other results here than in OPA, so it is refused",
                path=path,
                remedy='Name the member: some each in list; each.key == "value".',
            )


def refuse_constant_statements(tree: Tree, path: str) -> None:
    """Refuse a statement that is a set, an object, a list or a comprehension: it is always true.

    OPA reads `if { a == 1, b == 2 }` as conditions and refuses the comma; to the engine it is a set.

    Raises:
        ConfigurationError: With its line.
    """
    for statement in (each for query in tree.queries() for each in query["stmts"]):
        expression = statement["literal"].get("Expr", {}).get("expr", {})
        if expression.keys() & _ALWAYS_TRUE:
            raise ConfigurationError(
                f"line {line_of(statement)}: a set, an object or a list as a condition is always true",
                path=path,
                remedy="Write each condition on a line of its own, or put ; between them: a comma makes a set.",
            )


def _patterns(node: Node) -> Iterator[Node]:
    if "SomeIn" in node:
        inner = node["SomeIn"]
        yield from (each for each in (inner["key"], inner["value"]) if each is not None)
    elif "Func" in node and "args" in node["Func"]:
        yield from node["Func"]["args"]
    elif "AssignExpr" in node:
        inner = node["AssignExpr"]
        left, right = inner["lhs"], inner["rhs"]
        if inner["op"] == "ColEq":
            yield left
        else:
            # `x = {"a": y}` gives x a value, and `{"a": 1} = x` compares; objects that are both written there have no other keys.
            sides = ((left, right), (right, left))
            yield from (
                one for one, other in sides if not other.keys() & {"Var", "Object"} and _has_variable(one)
            )


def _has_object(pattern: Node) -> bool:
    kind, inner = unpack(pattern)
    return kind == "Object" or (kind == "Array" and any(map(_has_object, inner["items"])))


def _has_variable(node: Any) -> bool:
    return any("Var" in each for each in nodes(node))


def _negations(tree: Tree, rule: Node, known: frozenset[str]) -> Iterator[tuple[Node, frozenset[str]]]:
    """Iterate over the negations of a rule, each with the names of the rule's head, of the statements beside it, and of those around them."""
    stack: list[tuple[Any, frozenset[str]]] = [(rule, known.union(_names(rule.get("Spec", {}).get("head"))))]
    while stack:
        each, names = stack.pop()
        if isinstance(each, list):
            stack.extend((item, names) for item in each)
        elif isinstance(each, dict):
            if "NotExpr" in each:
                yield each["NotExpr"], names
            if "Every" in each:
                names |= _own(tree, each["Every"])
            if "stmts" in each:
                names = names.union(_names(each["stmts"]))
            stack.extend((value, names) for value in each.values())


def _names(node: Any, *, nested: bool = False) -> Iterator[str]:
    """Iterate over the variables of statements outside negations; where nested, also of what has statements of its own."""
    stack = [(node, False)]
    while stack:
        each, negated = stack.pop()
        if isinstance(each, list):
            stack.extend((item, negated) for item in each)
        elif isinstance(each, dict) and "Var" in each:
            if not negated:
                yield name_of(each)
        elif isinstance(each, dict):
            # A comprehension within a negation has variables of its own.
            stack.extend(
                (value, key == "NotExpr" or (negated and key not in COMPREHENSIONS))
                for key, value in each.items()
                if nested or key not in _WITH_STATEMENTS
            )


def _own(tree: Tree, every: Node) -> set[str]:
    """Return the variables that `every` gives values, one after the other."""
    return {tree.word(span) for span in (every.get("key"), every.get("value")) if span is not None}


def _declared(statement: Node) -> list[Node]:
    """Return the spans of what a statement `some x, y` declares."""
    found: list[Node] = statement["literal"].get("SomeVars", {}).get("vars", [])
    return found


def _variables(expression: Node) -> Iterator[tuple[str, int]]:
    """Iterate over the variables of a negated expression, and their lines; those of a call within it are evaluated before."""
    kind, inner = unpack(expression)
    if kind == "Call":
        parts = inner["params"]
    elif kind in ("BoolExpr", "AssignExpr", "ArithExpr", "BinExpr", "Membership"):
        parts = operands(inner)
    else:
        parts = [expression]
    for part in parts:
        yield from _in_term(part)


def _in_term(term: Node) -> Iterator[tuple[str, int]]:
    kind, inner = unpack(term)
    if kind == "Var":
        yield str(inner["value"]), line_of(term)
    elif kind == "RefDot":
        yield from _in_term(inner["refr"])
    elif kind == "RefBrack":
        yield from _in_term(inner["refr"])
        yield from _in_term(inner["index"])
    elif kind in COLLECTIONS:
        for each in members(term):
            yield from _in_term(each)
