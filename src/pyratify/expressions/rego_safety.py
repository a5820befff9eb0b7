"""Refuses what the engine evaluates otherwise than OPA: negations over variables without a value, patterns of objects, sets as conditions.

`not input.list[_] == "bad"` reads as "none is bad". To OPA `_` is unsafe there; the engine evaluates it as "one is not bad".
"""

from collections.abc import Iterator
from typing import Any

from pyratify.core.errors import ConfigurationError

Node = dict[str, Any]
_WRITTEN = frozenset({"Var", "Object"})
_COMPREHENSIONS = frozenset({"ArrayCompr", "SetCompr", "ObjectCompr"})
_ALWAYS_TRUE = _COMPREHENSIONS | {"Set", "Object", "Array"}


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


def refuse_unused_variables(text: str, modules: list[Node], path: str) -> None:
    """Refuse `some x` where x stands nowhere else in the body, as OPA does: a rule with it in its head has no member.

    Raises:
        ConfigurationError: With the variable and its line.
    """
    # The engine's spans count bytes, not characters.
    data = text.encode()
    for body in (each for node in _dicts(modules) for each in node.get("bodies") or ()):
        known = set(_texts(body))
        for declared in (node["SomeVars"] for node in _dicts(body) if "SomeVars" in node):
            for span in declared["vars"]:
                name = data[span["start"] : span["end"]].decode()
                if name not in known:
                    raise ConfigurationError(
                        f"line {span['line']}: nothing gives {name} a value",
                        path=path,
                        remedy=f"Write `some {name} in ...`, or leave the declaration out.",
                    )


def refuse_object_patterns(modules: list[Node], path: str) -> None:
    """Refuse an object that is taken apart by a pattern: to OPA it has exactly the pattern's keys, to the engine also others.

    Raises:
        ConfigurationError: With its line.
    """
    for node in _dicts(modules):
        if any(_has_object(pattern) for pattern in _patterns(node)):
            line = next(iter(node.values()))["span"]["line"]
            raise ConfigurationError(
                f"line {line}: a pattern of an object gives other results here than in OPA, so it is refused",
                path=path,
                remedy='Name the member: some each in list; each.key == "value".',
            )


def refuse_constant_statements(modules: list[Node], path: str) -> None:
    """Refuse a statement that is a set, an object, a list or a comprehension: it is always true.

    OPA reads `if { a == 1, b == 2 }` as conditions and refuses the comma; to the engine it is a set.

    Raises:
        ConfigurationError: With its line.
    """
    for statement in (each for node in _dicts(modules) for each in node.get("stmts") or ()):
        expression = statement["literal"].get("Expr", {}).get("expr", {})
        if expression.keys() & _ALWAYS_TRUE:
            raise ConfigurationError(
                f"line {statement['span']['line']}: a set, an object or a list as a condition is always true",
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
            yield from (one for one, other in sides if not other.keys() & _WRITTEN and _has_variable(one))


def _has_object(pattern: Node) -> bool:
    ((kind, inner),) = pattern.items()
    return kind == "Object" or (kind == "Array" and any(map(_has_object, inner["items"])))


def _has_variable(node: Any) -> bool:
    return any("Var" in each for each in _dicts(node))


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
    return (each["NotExpr"]["expr"] for each in _dicts(node) if "NotExpr" in each)


def _dicts(node: Any) -> Iterator[Node]:
    # A stack in place of recursion: the depth of the tree is up to the policy.
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            yield each
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
