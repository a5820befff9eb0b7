"""The tree that the engine's parser makes of a policy: the only module that knows its shape.

A node is an object with one member, whose name is its kind: `{"Call": {"span": ..., "fcn": ..., "params": [...]}}`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyratify.core.dataclass import dataclass

Node = dict[str, Any]
Change = tuple[int, int, bytes]
"""What stands between two places of a policy, and what is to stand there."""
COMPREHENSIONS = frozenset({"ArrayCompr", "SetCompr", "ObjectCompr"})
COLLECTIONS = frozenset({"Array", "Set", "Object"})
TEXTS = frozenset({"String", "RawString"})
CONSTANTS = TEXTS | {"Number", "Bool", "True", "False", "Null"}
REFERENCES = frozenset({"RefDot", "RefBrack", "Var"})
OPERATIONS = frozenset({"BoolExpr", "ArithExpr", "BinExpr", "Membership", "UnaryExpr"})
_OPERANDS = ("lhs", "rhs", "key", "value", "collection", "expr")
_QUOTES = (b'"', b"`")


@dataclass(frozen=True, slots=True)
class Tree:
    """A policy that was parsed.

    Attributes:
        data: Its text in UTF-8, as the engine's places count bytes.
        modules: What the parser gives.
        packages: The names of its packages, as `data.pyratify`.
    """

    data: bytes
    modules: list[Node]
    packages: tuple[str, ...]

    @property
    def has_if(self) -> bool:
        """Whether rules have `if` before their bodies: in the syntax v1, which one in v0 may import."""
        return all(module["ast"]["rego_v1"] for module in self.modules)

    def text(self, node: Node) -> bytes:
        """Return what a node was written as."""
        start, end = self.place(node)
        return self.data[start:end]

    def place(self, node: Node) -> tuple[int, int]:
        """Return where a node, or what has a span, begins and ends."""
        span = span_of(node)
        start, end = span["start"], span["end"]
        # Of a text, and of what begins or ends with one, the engine leaves the quotation mark out.
        start -= self.data[start - 1 : start] in _QUOTES
        end += self.data[end : end + 1] in _QUOTES
        return start, end

    def word(self, span: Node) -> str:
        """Return the word at a span."""
        return self.data[span["start"] : span["end"]].decode()

    def changed(self, changes: Iterable[Change]) -> str:
        """Return the text with changes; of those at one place the first comes first."""
        parts, place = [], 0
        for start, end, new in sorted(changes, key=lambda change: change[:2]):
            parts += [self.data[place:start], new]
            place = end
        return b"".join([*parts, self.data[place:]]).decode()

    def rules(self) -> Iterator[Node]:
        """Iterate over the rules, also those that are only a default."""
        return (rule for module in self.modules for rule in module["ast"]["rules"])

    def heads(self) -> Iterator[Node]:
        """Iterate over the heads of rules; of a default, its reference."""
        return (inner.get("head", inner.get("refr")) for rule in self.rules() for inner in rule.values())

    def rule_names(self) -> Iterator[Node]:
        """Iterate over the references that name rules."""
        for head in self.heads():
            kind, inner = unpack(head)
            yield head if kind in REFERENCES else inner["refr"]

    def imports(self) -> list[Node]:
        """Return the imports."""
        return [each for module in self.modules for each in module["ast"]["imports"]]

    def import_names(self) -> Iterator[str]:
        """Iterate over the names that imports give."""
        for each in self.imports():
            yield self.word(each["as"]) if each.get("as") else name_of(each["refr"]).rpartition(".")[2]

    def bodies(self) -> Iterator[Node]:
        """Iterate over the bodies of rules."""
        return (body for rule in self.rules() for body in rule.get("Spec", {}).get("bodies", ()))

    def queries(self) -> Iterator[Node]:
        """Iterate over all lists of statements: of rules, comprehensions and `every`."""
        return (each for each in nodes(self.modules) if isinstance(each.get("stmts"), list))

    def modifiers(self) -> Iterator[Node]:
        """Iterate over what stands behind `with`, each with `refr` and `as`."""
        return (each for node in nodes(self.modules) for each in node.get("with_mods") or ())

    def names(self) -> Iterator[tuple[str, Node]]:
        """Iterate over all references: their names, and their nodes."""
        return ((name, node) for node in nodes(self.modules) if (name := name_of(node)))


def nodes(node: Any) -> Iterator[Node]:
    """Iterate over the objects of a tree, each before what is in it."""
    # A stack in place of recursion: the depth of the tree is up to the policy.
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            yield each
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


def of_kind(node: Any, kind: str) -> Iterator[Node]:
    """Iterate over what the nodes of a kind have."""
    return (each[kind] for each in nodes(node) if isinstance(each.get(kind), dict))


def free_variables(node: Any) -> Iterator[Node]:
    """Iterate over the variables of a term that something else has to give a value: not of comprehensions, nor alone in the brackets of a reference."""
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, list):
            stack.extend(each)
        elif isinstance(each, dict) and "Var" in each:
            yield each
        elif isinstance(each, dict):
            own = each.get("RefBrack", {}).get("index", {}).keys() & {"Var"}
            left = (
                each["RefBrack"]["refr"]
                if own
                else [each[key] for key in each if key != "fcn" and key not in COMPREHENSIONS]
            )
            stack.append(left)


def indexes(reference: Node) -> Iterator[Node]:
    """Iterate over what stands in the brackets of a reference, from the last."""
    while "Var" not in reference:
        kind, inner = unpack(reference)
        if kind == "RefBrack":
            yield inner["index"]
        reference = inner["refr"]


def unpack(node: Node) -> tuple[str, Node]:
    """Return the kind of a node, and what it has."""
    ((kind, inner),) = node.items()
    return kind, inner


def span_of(node: Node) -> Node:
    """Return the span of a node, or of what has one."""
    span: Node = node.get("span") or next(iter(node.values()))["span"]
    return span


def line_of(node: Node) -> int:
    """Return the line that a node begins in."""
    line: int = span_of(node)["line"]
    return line


def operands(inner: Node) -> Iterator[Node]:
    """Iterate over the operands of an operation, in whatever members they stand."""
    return (inner[name] for name in _OPERANDS if inner.get(name) is not None)


def members(node: Node) -> Iterator[Node]:
    """Iterate over the members of a list or a set, or the keys and values of an object."""
    kind, inner = unpack(node)
    if kind == "Object":
        return (each for field in inner["fields"] for each in field[1:])
    return iter(inner["items"])


def text_value(node: Node) -> str | None:
    """Return the text that a node is; None where it is none, or its escapes are not known."""
    kind, inner = unpack(node)
    value = inner["value"] if kind in TEXTS else None
    return value if isinstance(value, str) else None


def name_of(node: Any) -> str:
    """Return the dotted name of a reference; empty for what is none."""
    if not isinstance(node, dict) or len(node) != 1:
        return ""
    kind, inner = unpack(node)
    if kind == "Var":
        return inner["value"] if isinstance(inner["value"], str) else ""
    if kind == "RefDot":
        return f"{name_of(inner['refr'])}.{inner['field'][1]}"
    # `http["send"]` is the same function.
    if kind == "RefBrack":
        text = inner["index"].get("String", {}).get("value", "?")
        return f"{name_of(inner['refr'])}.{text}"
    return ""
