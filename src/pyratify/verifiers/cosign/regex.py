r"""Regular expressions over identities, matched in linear time and always against the whole text.

RE2's and Python's common syntax: literals, `.`, classes, `\d \w \s` and their opposites, groups, alternatives, `* + ? {m,n}`
(lazy ones mean the same), `^` and `$` at the ends; all else is refused. A text is looked at once (Thompson's construction).
"""

from dataclasses import dataclass
from typing import NoReturn

MAX_PATTERN = 1024
MAX_TEXT = 8192
MAX_STATES = 4000
_MAX_REPEAT = 200
_MAX_DEPTH = 50
_LAST = 0x10FFFF
_SHORT = {
    "d": (("0", "9"),),
    "w": (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
    "s": (("\t", "\n"), ("\f", "\r"), (" ", " ")),
}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_PROBES = ("", "zq7 !~", "0", "attacker@evil.invalid", "https://attacker.invalid/x/y@z", "\u00e9")

Ranges = tuple[tuple[int, int], ...]


class InvalidPattern(ValueError):
    """An expression that is malformed, too large, or uses what cannot be matched in linear time."""


@dataclass(frozen=True, slots=True)
class _State:
    """A state: reads one of the ranges and goes on, or goes on to all of `to` without reading."""

    reads: Ranges | None
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression that is ready to be used.

    Attributes:
        text: As it was written.
        states: The automaton; the last state accepts.
        start: Where it starts.
    """

    text: str
    states: tuple[_State, ...]
    start: int

    def matches(self, text: str) -> bool:
        """Tell whether the expression matches the whole text; a text over 8192 characters never does."""
        if len(text) > MAX_TEXT:
            return False
        current = self._closure({self.start})
        for char in text:
            code = ord(char)
            read = {
                state.to[0]
                for state in (self.states[index] for index in current)
                if state.reads is not None and any(low <= code <= high for low, high in state.reads)
            }
            if not read:
                return False
            current = self._closure(read)
        return len(self.states) - 1 in current

    @property
    def is_catch_all(self) -> bool:
        """Whether it matches texts that have nothing in common, and so says nothing."""
        return all(self.matches(probe) for probe in _PROBES[1:])

    def _closure(self, states: set[int]) -> set[int]:
        found, pending = set(states), list(states)
        while pending:
            state = self.states[pending.pop()]
            fresh = [each for each in state.to if state.reads is None and each not in found]
            found.update(fresh)
            pending.extend(fresh)
        return found


def compile_pattern(text: str) -> Pattern:
    """Compile an expression.

    Raises:
        InvalidPattern: It is not one that is understood.
    """
    if not text or len(text) > MAX_PATTERN:
        raise InvalidPattern(f"an expression has 1 to {MAX_PATTERN} characters")
    parser = _Parser(text.removeprefix("^"))
    tree = parser.alternatives(0)
    if parser.position != len(parser.text):
        parser.refuse("an unmatched bracket")
    builder = _Builder()
    accept = builder.add(_State(None, ()))
    start = builder.build(tree, accept)
    # The accepting state goes to the end, where it is found without a search.
    states = builder.states
    order = [index for index in range(len(states)) if index != accept] + [accept]
    place = {old: new for new, old in enumerate(order)}
    renamed = tuple(_State(states[old].reads, tuple(place[each] for each in states[old].to)) for old in order)
    return Pattern(text, renamed, place[start])


@dataclass(frozen=True, slots=True)
class _Many:
    """Several trees, one after another or one of them."""

    parts: "tuple[Tree, ...]"
    choose: bool


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A tree, repeated; None is without an upper bound."""

    tree: "Tree"
    least: int
    most: int | None


Tree = Ranges | _Many | _Repeat


class _Parser:
    """Reads an expression by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def refuse(self, what: str) -> NoReturn:
        raise InvalidPattern(f"{what} at character {self.position + 1} of {self.text[:80]!r}")

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            self.refuse("an unexpected end")
        self.position += 1
        return char

    def alternatives(self, depth: int) -> Tree:
        if depth > _MAX_DEPTH:
            self.refuse("too many nested groups")
        found = [self.sequence(depth)]
        while self.peek() == "|":
            self.take()
            found.append(self.sequence(depth))
        return found[0] if len(found) == 1 else _Many(tuple(found), choose=True)

    def sequence(self, depth: int) -> Tree:
        found: list[Tree] = []
        while self.peek() not in ("", "|", ")"):
            if self.peek() == "$" and self.position == len(self.text) - 1:
                self.take()
                break
            found.append(self.repeated(self.atom(depth)))
        return _Many(tuple(found), choose=False)

    def atom(self, depth: int) -> Tree:
        char = self.take()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        if char == ".":
            return ((0, 9), (11, _LAST))
        if char in "*+?{}^$])":
            self.refuse(f"{char!r} where it means nothing; escape it")
        return ((ord(char), ord(char)),)

    def group(self, depth: int) -> Tree:
        if self.text.startswith("?:", self.position):
            self.position += 2
        elif self.peek() == "?":
            self.refuse("a group of a kind that is not supported")
        tree = self.alternatives(depth + 1)
        if self.peek() != ")":
            self.refuse("a group without an end")
        self.take()
        return tree

    def repeated(self, tree: Tree) -> Tree:
        bounds: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        char = self.peek()
        if char in bounds and char:
            self.take()
            least, most = bounds[char]
        elif char == "{":
            least, most = self.counts()
        else:
            return tree
        if self.peek() == "?":  # lazy: the same texts match
            self.take()
        if self.peek() in ("*", "+", "?", "{") and self.peek():
            self.refuse("a repetition of a repetition")
        return _Repeat(tree, least, most)

    def counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.position)
        least, comma, most = self.text[self.position + 1 : max(end, self.position)].partition(",")
        if not (least.isascii() and least.isdigit() and (not most or (most.isascii() and most.isdigit()))):
            self.refuse("a malformed repetition")
        self.position = end + 1
        high = int(most) if most else None if comma else int(least)
        if int(least) > _MAX_REPEAT or (high is not None and not int(least) <= high <= _MAX_REPEAT):
            self.refuse("a repetition out of range")
        return int(least), high

    def escape(self) -> Ranges:
        char = self.take()
        if char.lower() in _SHORT:
            ranges = tuple((ord(low), ord(high)) for low, high in _SHORT[char.lower()])
            return _opposite(ranges) if char.isupper() else ranges
        char = _CONTROL.get(char, char)
        if char.isalnum() or ord(char) > 0x7F:
            self.refuse("an escape that is not supported")
        return ((ord(char), ord(char)),)

    def char_class(self) -> Ranges:
        negated = self.peek() == "^"
        if negated:
            self.take()
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]" or not ranges:
            ranges.extend(self.class_item())
        self.take()
        return _opposite(tuple(ranges)) if negated else tuple(ranges)

    def class_item(self) -> Ranges:
        first = self.class_char()
        follows = self.text[self.position : self.position + 2]
        if len(first) != 1 or first[0][0] != first[0][1] or follows[:1] != "-" or follows[1:] in ("]", ""):
            return first
        self.take()
        last = self.class_char()
        if len(last) != 1 or last[0][0] < first[0][0]:
            self.refuse("a malformed range")
        return ((first[0][0], last[0][1]),)

    def class_char(self) -> Ranges:
        char = self.take()
        if char == "\\":
            return self.escape()
        if char == "[" and self.peek() == ":":
            self.refuse("a named class")
        return ((ord(char), ord(char)),)


class _Builder:
    """Turns a tree into states, from the end to the start."""

    def __init__(self) -> None:
        self.states: list[_State] = []

    def add(self, state: _State) -> int:
        if len(self.states) >= MAX_STATES:
            raise InvalidPattern("the expression is too large")
        self.states.append(state)
        return len(self.states) - 1

    def build(self, tree: Tree, then: int) -> int:
        if isinstance(tree, _Repeat):
            return self.repeat(tree, then)
        if not isinstance(tree, _Many):
            return self.add(_State(tree, (then,)))
        if tree.choose:
            return self.add(_State(None, tuple(self.build(each, then) for each in tree.parts)))
        for each in reversed(tree.parts):
            then = self.build(each, then)
        return then

    def repeat(self, what: _Repeat, then: int) -> int:
        if what.most is None:
            loop = self.add(_State(None, (then,)))
            self.states[loop] = _State(None, (self.build(what.tree, loop), then))
            then = loop
        else:
            for _ in range(what.most - what.least):
                then = self.add(_State(None, (self.build(what.tree, then), then)))
        for _ in range(what.least):
            then = self.build(what.tree, then)
        return then


def _opposite(ranges: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)
