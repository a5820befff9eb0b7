"""Screens a policy in Rego before the embedded engine evaluates it, and rewrites what it would evaluate wrongly.

The engine evaluates `[path, value] := walk(x)` as nothing, without an error: a policy that looks for failures that way finds none
and allows everything. Functions that reach out of the policy, and those that differ from OPA's, are refused.
"""

from collections.abc import Iterator
from typing import Any

from pyratify.core.errors import ConfigurationError

# What each refused function would do; the message names it.
_OUT = "reaches out of the policy"
_DIFFERS = "gives other results here than in OPA"
_CHANCE = "gives another result each time"
REFUSED = {
    "http.send": _OUT,
    "opa.runtime": _OUT,
    "net.lookup_ip_addr": _OUT,
    "rand.intn": _CHANCE,
    "uuid.rfc4122": _CHANCE,
    "rego.parse_module": _DIFFERS,
    "json.match_schema": _DIFFERS,
    "json.verify_schema": _DIFFERS,
    "strings.count": _DIFFERS,
    "units.parse": _DIFFERS,
    "units.parse_bytes": _DIFFERS,
    "future.keywords.not": _DIFFERS,
}
_REMEDY = "Write the policy without it, or let a real OPA evaluate it (engine: opa)."
_KEYWORDS = frozenset({"if", "contains", "every", "in"})
Span = tuple[int, int]


def refuse_functions(modules: list[dict[str, Any]], path: str) -> None:
    """Refuse a policy that names one of `REFUSED`, `walk` in any form but `walk(x, [path, value])`, or `glob.match` that may cross a colon.

    Args:
        modules: The engine's parsed modules.
        path: Where the policy stands in the configuration.

    Raises:
        ConfigurationError: With the name of the function and its line.
    """
    for module in modules:
        _refuse_split_rules(module["ast"], path)
        _refuse_heads(module["ast"], path)
        calls = list(_nodes(module["ast"], "Call"))
        allowed = {_start(call["fcn"]) for call in calls if _is_walk(call, 2) or _is_known_glob(call)}
        for name, line, start in _names(module["ast"]):
            if name in REFUSED:
                raise ConfigurationError(
                    f"line {line}: {name} {REFUSED[name]}, so it is refused", path=path, remedy=_REMEDY
                )
            if name == "walk" and start not in allowed:
                raise ConfigurationError(
                    f"line {line}: the embedded engine evaluates this use of walk as nothing",
                    path=path,
                    remedy="Write walk(x, [path, value]), or [path, value] := walk(x) as a statement of its own.",
                )
            if name == "glob.match" and start not in allowed:
                raise ConfigurationError(
                    f"line {line}: glob.match with a colon, or what is computed, as its delimiters {_DIFFERS}",
                    path=path,
                    remedy='Write other delimiters in the call, as ["/"], or compare the parts that split(x, ":") gives.',
                )


def reads_clock(modules: list[dict[str, Any]]) -> bool:
    """Return whether a policy names `time.now_ns`, with brackets and escapes, too."""
    return any(name == "time.now_ns" for module in modules for name, _, _ in _names(module["ast"]))


def _refuse_split_rules(module: Any, path: str) -> None:
    """Refuse `allow if { ... }` where `if` is no keyword: that is a rule `allow`, which is always true, and one called `if`.

    OPA refuses a name alone as a rule; the engine does not.
    """
    for spec in (rule["Spec"] for rule in module["rules"] if "Spec" in rule):
        ((kind, head),) = spec["head"].items()
        name = _name(head["refr"])
        is_bare = kind == "Compr" and "Var" in head["refr"] and not spec["bodies"] and head["assign"] is None
        if is_bare or name in _KEYWORDS:
            line = spec["span"]["line"]
            said = f"the rule {name} is always true, as it has neither value nor body"
            raise ConfigurationError(
                f"line {line}: {said if is_bare else f'{name} is the name of a rule in the syntax of v0'}",
                path=path,
                remedy="Write regoVersion: v1 if the policy is in that syntax, or import rego.v1 in it.",
            )


def _refuse_heads(module: Any, path: str) -> None:
    """Refuse `p[q].r contains s`: references into such a set are evaluated as nothing."""
    for head in (each["refr"] for each in _nodes(module, "Set") if "refr" in each):
        if any(not _is_text(each["index"]) for each in _nodes(head, "RefBrack")):
            line = next(iter(head.values()))["span"]["line"]
            raise ConfigurationError(
                f"line {line}: a set under a name that is computed {_DIFFERS}, so it is refused",
                path=path,
                remedy=_REMEDY,
            )


def _is_text(node: dict[str, Any]) -> bool:
    return "String" in node


def rewrite_walks(text: str, modules: list[dict[str, Any]]) -> str:
    """Return the policy with `[a, b] := walk(x)` as `some a, b; walk(x, [a, b])`, which the engine evaluates as OPA does."""
    # The engine's spans count bytes, not characters.
    data = text.encode()
    changes = [change for each in _nodes(modules[0]["ast"], "AssignExpr") if (change := _change(each, data))]
    # From the end, so that the places before stay what they are.
    for (start, end), new in sorted(changes, reverse=True):
        data = data[:start] + new + data[end:]
    return data.decode()


def _change(assign: dict[str, Any], data: bytes) -> tuple[Span, bytes] | None:
    call, array = assign["rhs"].get("Call"), assign["lhs"].get("Array")
    if call is None or array is None or not _is_walk(call, 1):
        return None
    variables = [item.get("Var", {}).get("value") for item in array["items"]]
    if len(variables) != 2 or not all(isinstance(each, str) for each in variables):
        return None
    target, pattern = _text(data, call["params"][0]), _text(data, {"": array})
    declared = b", ".join(each.encode() for each in variables if each != "_")
    # `:=` declares: without `some`, a rule of the same name would be meant.
    some = b"some " + declared + b"; " if declared and assign["op"] == "ColEq" else b""
    span = assign["span"]
    return (span["start"], span["end"]), some + b"walk(" + target + b", " + pattern + b")"


def _is_walk(call: dict[str, Any], parameters: int) -> bool:
    return _name(call["fcn"]) == "walk" and len(call["params"]) == parameters


def _is_known_glob(call: dict[str, Any]) -> bool:
    """Return whether a call of `glob.match` has delimiters that the engine minds: to it, `*` also stands for a colon."""
    if _name(call["fcn"]) != "glob.match" or len(call["params"]) < 2:
        return False
    ((kind, inner),) = call["params"][1].items()
    if kind != "Array":
        return "Null" in call["params"][1]
    texts = (next(iter(each.items())) for each in inner["items"])
    return all(kind in ("String", "RawString") and text["value"] not in (":", "") for kind, text in texts)


def _text(data: bytes, node: dict[str, Any]) -> bytes:
    span = next(iter(node.values()))["span"]
    return data[span["start"] : span["end"]]


def _start(node: dict[str, Any]) -> int:
    start: int = next(iter(node.values()))["span"]["start"]
    return start


def _name(node: Any) -> str:
    """Return the dotted name of a reference; empty for what is none."""
    if not isinstance(node, dict) or len(node) != 1:
        return ""
    ((kind, inner),) = node.items()
    if kind == "Var":
        return inner["value"] if isinstance(inner["value"], str) else ""
    if kind == "RefDot":
        return f"{_name(inner['refr'])}.{inner['field'][1]}"
    # `http["send"]` is the same function.
    if kind == "RefBrack":
        text = inner["index"].get("String", {}).get("value", "?")
        return f"{_name(inner['refr'])}.{text}"
    return ""


def _names(node: Any) -> Iterator[tuple[str, int, int]]:
    """Iterate over all references: their names, lines and places."""
    # A stack in place of recursion: the depth of the tree is up to the policy.
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            name = _name(each)
            if name:
                span = next(iter(each.values()))["span"]
                yield name, span["line"], span["start"]
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


def _nodes(node: Any, kind: str) -> Iterator[dict[str, Any]]:
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if isinstance(each.get(kind), dict):
                yield each[kind]
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
