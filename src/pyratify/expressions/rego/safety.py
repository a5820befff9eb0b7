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


def refuse_unsafe_negations(tree: Tree, path: str) -> None:
    """Refuse a negation with a wildcard, or with a variable that stands nowhere else in its rule.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    shared = {"input", "data", *_texts(list(tree.heads())), *_texts(tree.imports())}
    for rule in tree.rules():
        known = shared | set(_texts(rule))
        for name, line in (
            each for negation in of_kind(rule, "NotExpr") for each in _variables(negation["expr"])
        ):
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
    for body in tree.bodies():
        known = set(_texts(body))
        for span in (each for declared in of_kind(body, "SomeVars") for each in declared["vars"]):
            if (name := tree.word(span)) not in known:
                raise ConfigurationError(
                    f"line {span['line']}: nothing gives {name} a value",
                    path=path,
                    remedy=f"Write `some {name} in ...`, or leave the declaration out.",
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
            known = shared | found | set(_texts([head.get("args"), body.get("query")]))
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


def _texts(node: Any) -> Iterator[str]:
    """Iterate over the texts of a tree outside its negations: where a variable gets its value, its name is one of them."""
    stack = [(node, False)]
    while stack:
        each, negated = stack.pop()
        if isinstance(each, str):
            if not negated:
                yield each
        elif isinstance(each, list):
            stack.extend((item, negated) for item in each)
        elif isinstance(each, dict):
            for key, value in each.items():
                # `some i` only declares a variable; a comprehension within a negation has variables of its own.
                inner = key == "NotExpr" or (negated and key not in COMPREHENSIONS)
                if key != "SomeVars":
                    stack.append((value, inner))


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
