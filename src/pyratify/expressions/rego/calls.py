"""Rewrites calls of built-in functions that the engine evaluates otherwise than OPA: their arguments are checked on the way.

`regex.match(p, input.s)` becomes `regex.match(__pyratify_pattern(p), input.s)`. What is written in the call is checked when the policy is compiled.
"""

import json
import re

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.rego.builtin_functions import CHECKED, REWRITTEN
from pyratify.expressions.rego.checks import CHECKS, HELPERS, PREFIX
from pyratify.expressions.rego.tree import (
    COLLECTIONS,
    COMPREHENSIONS,
    CONSTANTS,
    Change,
    Node,
    Tree,
    line_of,
    members,
    name_of,
    of_kind,
    text_value,
    unpack,
)

_OTHERWISE = "Write it otherwise"
_FORMAT = "Write format and list in the call, with %v for anything"
_REMEDIES = {
    "operand": "Count in tenths or hundredths, and multiply before you divide",
    "difference": "Count in tenths or hundredths, and multiply before you divide",
    "pattern": "Write classes of ASCII as [0-9A-Za-z]",
    "text": _FORMAT,
    "integer": "Write a whole number; sprintf shows anything by %v",
}
_VERB = re.compile(r"%(.?)", re.DOTALL)
_FORMATTED = {"s": "text", "v": "value", "d": "integer"}
# What a helper in Rego does with a number.
_NUMBERS = {"difference": "operand", "text": "no_number", "value": "shown"}
_INTEGER = re.compile(rb"-?[0-9]+")


def check_calls(tree: Tree, path: str) -> list[Change]:
    """Return the changes that check the arguments of calls, and the operands of arithmetic.

    Raises:
        ConfigurationError: What is written in the policy fails its check, or a function is used otherwise than in a call.
    """
    _refuse_other_uses(tree, path)
    changes: list[Change] = []
    for call in of_kind(tree.modules, "Call"):
        name = name_of(call["fcn"])
        for check, argument in zip(CHECKED.get(name, ()), call["params"], strict=False):
            if check is not None:
                changes += _checked(tree, argument, check, name, path)
        if name in REWRITTEN:
            changes += _rewritten(tree, call, name, path)
    for operation in of_kind(tree.modules, "ArithExpr"):
        if operation["op"] != "Mod":
            check = "difference" if operation["op"] == "Sub" else "operand"
            for operand in (operation["lhs"], operation["rhs"]):
                changes += _checked(tree, operand, check, "arithmetic", path)
    helpers = _helpers(tree, {new.rstrip(b"(").decode() for _, _, new in changes})
    return [*changes, (len(tree.data), len(tree.data), helpers.encode())] if helpers else changes


def _helpers(tree: Tree, used: set[str]) -> str:
    """Return the functions in Rego that are used, in the policy's syntax."""
    form = "\n{}(x) := {} if {{ {} }} else := {}\n" if tree.has_if else "\n{}(x) = {} {{ {} }} else = {}\n"
    names = ((f"{PREFIX}{name}", body) for name, body in HELPERS.items())
    return "".join(
        form.format(name, then, condition, other) for name, (condition, then, other) in names if name in used
    )


def _refuse_other_uses(tree: Tree, path: str) -> None:
    if PREFIX.encode() in tree.data:
        raise ConfigurationError(
            f"names that begin with {PREFIX} are taken", path=path, remedy="Write other names."
        )
    known = CHECKED.keys() | REWRITTEN.keys()
    called = {name_of(call["fcn"]) for call in of_kind(tree.modules, "Call")} & known
    for node in tree.rule_names():
        if name_of(node) in called:
            raise _refused(
                f"the rule {name_of(node)} with the name of a built-in function",
                node,
                path,
                "Give it another name",
            )
    for node in (each[side] for each in tree.modifiers() for side in ("refr", "as")):
        if name_of(node) in known:
            raise _refused(
                f"{name_of(node)} behind `with`, in place of a call,",
                node,
                path,
                "Replace data, or a function of the policy",
            )


def _checked(tree: Tree, node: Node, check: str, user: str, path: str) -> list[Change]:
    """Return the changes that have a node checked; of a constant, what the check makes of it."""
    start, end = tree.place(node)
    kind, _ = unpack(node)
    if kind not in CONSTANTS:
        return [(start, start, f"{PREFIX}{check}(".encode()), (end, end, b")")]
    value = _constant(tree, node)
    function = CHECKS.get(_NUMBERS.get(check, check))
    if value is None or function is None or (check in _NUMBERS and isinstance(value, str)):
        return []
    remedy = _REMEDIES.get(check, _OTHERWISE)
    try:
        found = function[1](value)
    except ValueError as error:
        raise _refused(
            f"{user} with {tree.text(node).decode()[:60]}, which {error},", node, path, remedy
        ) from None
    return [] if repr(found) == repr(value) else [(start, end, json.dumps(found).encode())]


def _constant(tree: Tree, node: Node) -> str | int | float | None:
    if "Number" not in node:
        return text_value(node)
    text = tree.text(node)
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _rewritten(tree: Tree, call: Node, name: str, path: str) -> list[Change]:
    arguments = call["params"]
    if len(arguments) < REWRITTEN[name]:
        raise _refused(f"{name} with too few arguments", {"": call}, path)
    function, (start, end) = tree.place(call["fcn"]), tree.place({"": call})
    if name == "json.marshal":
        return [(start, start, f"{PREFIX}marshalled(".encode()), (end, end, b")")]
    if name == "sprintf":
        return _format(tree, call, path)
    if name == "count":
        known = COLLECTIONS | COMPREHENSIONS
        return [(*function, f"{PREFIX}count".encode())] if known.isdisjoint(arguments[0]) else []
    glob, delimiters = arguments[:2]
    _check_glob(glob, delimiters, path)
    first, last = tree.place(glob)[0], tree.place(delimiters)[1]
    return [(*function, b"regex.match"), (first, first, f"{PREFIX}glob(".encode()), (last, last, b")")]


def _check_glob(glob: Node, delimiters: Node, path: str) -> None:
    kind, _ = unpack(delimiters)
    marks = [text_value(each) for each in members(delimiters)] if kind == "Array" else None
    text = text_value(glob)
    if text is None or (marks is None and kind != "Null") or None in (marks or ()):
        return
    try:
        CHECKS["glob"][1](text, marks)
    except ValueError as error:
        raise _refused(
            f"glob.match with {text[:60]!r}, which {error},", glob, path, "Write regex.match"
        ) from None


def _format(tree: Tree, call: Node, path: str) -> list[Change]:
    """Return the changes for a call of `sprintf`, whose format and list are to be written in it: the verbs say what is checked."""
    form, arguments = call["params"][:2]
    text = text_value(form)
    if text is None or "Array" not in arguments:
        raise _refused("sprintf with a format or a list that is computed", form, path, _FORMAT)
    verbs = [verb for verb in _VERB.findall(text) if verb != "%"]
    items = list(members(arguments))
    if len(verbs) != len(items) or not _FORMATTED.keys() >= set(verbs):
        raise _refused(
            "sprintf with other verbs than %s, %v, %d and %%, or not one for each of the list",
            form,
            path,
            _FORMAT,
        )
    # The engine writes -1 as --1 by %d.
    changes = [(*tree.place(form), json.dumps(_VERB.sub(_written, text)).encode())] if "d" in verbs else []
    return changes + [
        change
        for verb, item in zip(verbs, items, strict=True)
        for change in _checked(tree, item, _FORMATTED[verb], "sprintf", path)
    ]


def _written(verb: re.Match[str]) -> str:
    return "%v" if verb[1] == "d" else verb[0]


def _refused(what: str, node: Node, path: str, remedy: str = _OTHERWISE) -> ConfigurationError:
    return ConfigurationError(
        f"line {line_of(node)}: {what} is refused: OPA may evaluate it otherwise",
        path=path,
        remedy=f"{remedy}, or let a real OPA evaluate the policy (engine: opa).",
    )
