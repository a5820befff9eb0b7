"""Screens a policy in Rego before the embedded engine evaluates it, and rewrites what it would evaluate wrongly.

The engine evaluates `[path, value] := walk(x)` as nothing, without an error: a policy that looks for failures that way finds none
and allows everything. Functions that reach out of the policy, and those that differ from OPA's, are refused.
"""

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.rego.builtin_functions import CHECKED, INSTEAD, REFUSED, REWRITTEN, SAME
from pyratify.expressions.rego.tree import (
    Change,
    Node,
    Tree,
    line_of,
    name_of,
    of_kind,
    unpack,
)

_REMEDY = "Write the policy without it, or let a real OPA evaluate it (engine: opa)."
_KNOWN = SAME | CHECKED.keys() | REWRITTEN.keys()
_KEYWORDS = frozenset({"if", "contains", "every", "in"})


def refuse_functions(tree: Tree, path: str) -> None:
    """Refuse a policy that names one of `REFUSED`, calls what is not there, or has a rule that the engine reads otherwise than OPA.

    Raises:
        ConfigurationError: With the name of the function or rule, and its line.
    """
    _refuse_split_rules(tree, path)
    _refuse_heads(tree, path)
    for name, node in tree.names():
        if name in REFUSED:
            raise ConfigurationError(
                f"line {line_of(node)}: {name} {REFUSED[name]}, so it is refused",
                path=path,
                remedy=f"Write {INSTEAD[name]}, or let a real OPA evaluate the policy (engine: opa)."
                if name in INSTEAD
                else _REMEDY,
            )
    _refuse_unknown_calls(tree, path)


def _refuse_unknown_calls(tree: Tree, path: str) -> None:
    """Refuse calls of what is neither a rule nor a known function: an error of each evaluation that comes to it, and of OPA at once."""
    own = {name_of(each) for each in tree.rule_names()}
    outside = {"data", *tree.import_names()}
    for function in (call["fcn"] for call in of_kind(tree.modules, "Call")):
        name = name_of(function)
        if name not in _KNOWN and name not in own and name.partition(".")[0] not in outside:
            raise ConfigurationError(
                f"line {line_of(function)}: neither the policy nor the embedded engine has a function {name[:100]}",
                path=path,
                remedy="Correct its name, or let a real OPA evaluate the policy (engine: opa).",
            )


def refuse_walks(tree: Tree, path: str) -> None:
    """Refuse `walk` in any form but `walk(x, [path, value])`.

    Raises:
        ConfigurationError: With the line.
    """
    known = {tree.place(call["fcn"]) for call in of_kind(tree.modules, "Call") if _is_walk(call, 2)}
    for name, node in tree.names():
        if name == "walk" and tree.place(node) not in known:
            raise ConfigurationError(
                f"line {line_of(node)}: the embedded engine evaluates this use of walk as nothing",
                path=path,
                remedy="Write walk(x, [path, value]), or [path, value] := walk(x) as a statement of its own.",
            )


def reads_clock(tree: Tree) -> bool:
    """Return whether a policy names `time.now_ns`, with brackets and escapes, too."""
    return any(name == "time.now_ns" for name, _ in tree.names())


def rewrite_walks(tree: Tree) -> list[Change]:
    """Return the changes of `[a, b] := walk(x)` to `some a, b; walk(x, [a, b])`, which the engine evaluates as OPA does."""
    return [change for each in of_kind(tree.modules, "AssignExpr") for change in _walk_changes(tree, each)]


def _refuse_split_rules(tree: Tree, path: str) -> None:
    """Refuse `allow if { ... }` where `if` is no keyword: that is a rule `allow`, which is always true, and one called `if`.

    OPA refuses a name alone as a rule; the engine does not.
    """
    for spec in (rule["Spec"] for rule in tree.rules() if "Spec" in rule):
        kind, head = unpack(spec["head"])
        name = name_of(head["refr"])
        is_bare = kind == "Compr" and "Var" in head["refr"] and not spec["bodies"] and head["assign"] is None
        if is_bare or name in _KEYWORDS:
            said = f"the rule {name} is always true, as it has neither value nor body"
            raise ConfigurationError(
                f"line {line_of(spec)}: {said if is_bare else f'{name} is the name of a rule in the syntax of v0'}",
                path=path,
                remedy="Write regoVersion: v1 if the policy is in that syntax, or import rego.v1 in it.",
            )


def _refuse_heads(tree: Tree, path: str) -> None:
    """Refuse `p[q].r contains s`: references into such a set are evaluated as nothing."""
    for head in (each["refr"] for each in of_kind(tree.modules, "Set") if "refr" in each):
        if any("String" not in each["index"] for each in of_kind(head, "RefBrack")):
            raise ConfigurationError(
                f"line {line_of(head)}: a set under a name that is computed gives other results here than in OPA, so it is refused",
                path=path,
                remedy=_REMEDY,
            )


def _walk_changes(tree: Tree, assign: Node) -> list[Change]:
    call, array = assign["rhs"].get("Call"), assign["lhs"].get("Array")
    if call is None or array is None or not _is_walk(call, 1):
        return []
    variables = [name_of(item) for item in array["items"]]
    if len(variables) != 2 or not all("Var" in item for item in array["items"]):
        return []
    declared = ", ".join(each for each in variables if each != "_")
    # `:=` declares: without `some`, a rule of the same name would be meant.
    some = f"some {declared}; " if declared and assign["op"] == "ColEq" else ""
    (start, end), (target, behind) = tree.place(assign), tree.place(call["params"][0])
    # Two changes around the target, in which there may be others.
    return [
        (start, target, f"{some}walk(".encode()),
        (behind, end, b", " + tree.text(assign["lhs"]) + b")"),
    ]


def _is_walk(call: Node, parameters: int) -> bool:
    return name_of(call["fcn"]) == "walk" and len(call["params"]) == parameters
