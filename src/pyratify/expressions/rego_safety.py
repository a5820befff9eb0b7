"""Refuses negations over variables that nothing gives a value, as OPA does.

`not input.list[_] == "bad"` reads as "none is bad". To OPA `_` is unsafe there; the engine evaluates it as "one is not bad".
"""

from collections.abc import Iterator
from typing import Any

from pyratify.core.errors import ConfigurationError

Node = dict[str, Any]
_COMPREHENSIONS = frozenset({"ArrayCompr", "SetCompr", "ObjectCompr"})


def refuse_unsafe_negations(modules: list[Node], path: str) -> None:
    """Refuse a negation with a wildcard, or with a variable that stands nowhere else in its rule.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    for ast in (module["ast"] for module in modules):
        heads = [each.get("head", each.get("refr")) for rule in ast["rules"] for each in rule.values()]
        shared = {"input", "data", *_texts(heads), *_texts(ast["imports"])}
        for rule in ast["rules"]:
            known = shared | set(_texts(rule))
            for name, line in (each for negation in _negations(rule) for each in _variables(negation)):
                if name == "_" or name not in known:
                    raise ConfigurationError(
                        f"line {line}: in a negation nothing gives {name} a value",
                        path=path,
                        remedy="Write every x in list { not bad(x) }, or a rule of its own that finds one, and `not` with its name.",
                    )


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
                inner = key == "NotExpr" or (negated and key not in _COMPREHENSIONS)
                if key != "SomeVars":
                    stack.append((value, inner))


def _negations(node: Any) -> Iterator[Node]:
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if "NotExpr" in each:
                yield each["NotExpr"]["expr"]
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


def _variables(expression: Node) -> Iterator[tuple[str, int]]:
    """Iterate over the variables of a negated expression, and their lines; those of a call within it are evaluated before."""
    ((kind, inner),) = expression.items()
    if kind == "Call":
        operands = inner["params"]
    elif kind in ("BoolExpr", "AssignExpr", "ArithExpr", "BinExpr"):
        operands = [inner["lhs"], inner["rhs"]]
    elif kind == "Membership":
        operands = [each for each in (inner["key"], inner["value"], inner["collection"]) if each is not None]
    else:
        operands = [expression]
    for operand in operands:
        yield from _in_term(operand)


def _in_term(term: Node) -> Iterator[tuple[str, int]]:
    ((kind, inner),) = term.items()
    if kind == "Var":
        yield str(inner["value"]), inner["span"]["line"]
    elif kind == "RefDot":
        yield from _in_term(inner["refr"])
    elif kind == "RefBrack":
        yield from _in_term(inner["refr"])
        yield from _in_term(inner["index"])
    elif kind in ("Array", "Set"):
        for each in inner["items"]:
            yield from _in_term(each)
    elif kind == "Object":
        for _, key, value in inner["fields"]:
            yield from _in_term(key)
            yield from _in_term(value)
