"""Which members of objects an expression in CEL can see: those that it names, where all it does with objects is to name members.

It is read from the checked expression (`checked.proto` and `syntax.proto` of cel-spec), as a text cannot show it.
"""

from collections.abc import Set as AbstractSet

from pyratify.core.dataclass import dataclass
from pyratify.core.protobuf import InvalidMessage, Value, fields, part, parts, texts

_CHECKED = "type.googleapis.com/cel.expr.CheckedExpr"
_ID, _CONSTANT, _IDENT, _SELECT, _CALL, _LIST, _COMPREHENSION = 2, 3, 4, 5, 6, 7, 9


class _SeenWhole(Exception):
    """Something may see an object as a whole: its size, the names of its members, whether it equals another."""


def seen_members(
    serialized: bytes, plain: AbstractSet[str], root: str, lists: AbstractSet[str]
) -> frozenset[str] | None:
    """Return the names of all members that an expression selects; None where it may see others.

    Objects come only from the lists that are named here. Each use of such a list has to be a comprehension over it, and each use of its
    objects the selection of a member; so all other values are made of members that are selected.

    Args:
        serialized: The checked expression.
        plain: The variables that hold no such objects.
        root: The variable that is a list of objects.
        lists: The members that are lists of objects; no other member holds any.
    """
    found: set[str] = set()
    try:
        if texts(serialized, 1) != (_CHECKED,):
            return None
        _Members(root, frozenset(lists), found).walk(part(part(serialized, 2), 4), frozenset(plain))
    except (_SeenWhole, InvalidMessage, RecursionError):
        return None
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Members:
    root: str
    lists: frozenset[str]
    found: set[str]

    def walk(self, expression: bytes, plain: frozenset[str], *, whole: bool = True) -> None:
        """Collect names; `plain` are the variables in scope without objects, `whole` is whether all of the value may be seen."""
        for number, value in fields(expression):
            if number not in (_ID, _CONSTANT):
                self._node(number, value, plain, whole)

    def _node(self, number: int, value: Value, plain: frozenset[str], whole: bool) -> None:
        if number == _IDENT and isinstance(value, bytes):
            if whole and not plain.issuperset(texts(value, 1)):
                raise _SeenWhole
        elif number == _SELECT and isinstance(value, bytes):
            (name,) = texts(value, 2)
            self.found.add(name)
            if whole and name in self.lists:
                raise _SeenWhole
            self.walk(part(value, 1), plain, whole=False)
        elif number in (_CALL, _LIST) and isinstance(value, bytes):
            # The target and the arguments of a call, or the elements of a list.
            for each in parts(value, 1) + (parts(value, 3) if number == _CALL else []):
                self.walk(each, plain)
        elif number == _COMPREHENSION and isinstance(value, bytes):
            self._comprehension(value, plain)
        else:
            raise _SeenWhole

    def _comprehension(self, value: bytes, plain: frozenset[str]) -> None:
        variable, result, second = texts(value, 1, 3, 8)
        # A variable of the list's name would hide it.
        if second or self.root in (variable, result):
            raise _SeenWhole
        source = part(value, 2)
        objects = (
            texts(part(source, _IDENT), 1) == (self.root,) or texts(part(source, _SELECT), 2)[0] in self.lists
        )
        self.walk(source, plain, whole=not objects)
        self.walk(part(value, 4), plain)
        # What a result begins with and each step are seen whole here, so no result holds objects.
        outer = plain | {result}
        inner = outer - {variable} if objects else outer | {variable}
        self.walk(part(value, 5), inner)
        self.walk(part(value, 6), inner)
        self.walk(part(value, 7), outer)
