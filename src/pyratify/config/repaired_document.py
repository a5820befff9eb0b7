"""Repairs a faulty configuration document fault by fault, so that `ratify config check` reports all of them.

A repaired document is used to find further faults and never to build an engine.
"""

from copy import deepcopy
from typing import Any

from pyratify.config.decode import ShapeError
from pyratify.config.locations import join
from pyratify.core.errors import ConfigurationError

# One value for each type that is surely of it; the domain is reserved (RFC 6761 6.4).
_STAND_INS: dict[str, Any] = {"str": "stand-in.invalid", "int": 1, "float": 1.0, "bool": False}
_NOTHING = object()


class RepairedDocument:
    """A copy of a document in which faults are repaired.

    Args:
        document: The JSON values.
    """

    def __init__(self, document: Any) -> None:
        self.document = deepcopy(document)
        self._removed: set[str] = set()
        self._renamed: set[str] = set()
        self._replaced: set[str] = set()

    def is_consequence(self, fault: ConfigurationError) -> bool:
        """Return whether a fault only follows from an earlier repair: a removed value or a renamed key."""
        if fault.path in self._replaced:
            return True
        if not isinstance(fault, ShapeError):
            return False
        return join(fault.path, fault.missing) in self._removed or fault.path in self._renamed

    def repair(self, fault: ConfigurationError) -> bool:
        """Put a stand-in in place of a value, rename an unknown key to its nearest match, or remove a value; return whether it changed."""
        if fault.stand_in is not None and fault.path not in self._replaced:
            self._replaced.add(fault.path)
            return self.replace(fault, fault.stand_in)
        if not isinstance(fault, ShapeError) or fault.missing:
            return False
        place = fault.place
        owner, key = _find(self.document, place)
        kinds = fault.expected.split(" | ")
        # What may be left out is removed: a stand-in would have to be valid.
        for kind in () if "null" in kinds else reversed(kinds):
            # Once for each place: a stand-in that is wrong too is removed, or the rounds would not end.
            if kind in _STAND_INS and place not in self._replaced and place not in self._renamed:
                self._replaced.add(place)
                return self.replace(fault, _STAND_INS[kind])
        if not isinstance(owner, dict):
            return False
        value = owner.pop(key)
        if fault.near and fault.near not in owner:
            owner[fault.near] = value
            self._renamed.add(join(fault.path, fault.near))
        self._removed.add(place)
        return True

    def replace(self, fault: ConfigurationError, value: Any) -> bool:
        """Replace the value at the path of a fault; return whether there is one."""
        owner, key = _find(self.document, fault.path)
        if owner is _NOTHING:
            return False
        owner[key] = value
        return True


def _find(value: Any, path: str) -> tuple[Any, Any]:
    """Return the object or list that contains the value at a path, and its key or index there."""
    if not path:
        return _NOTHING, None
    if isinstance(value, list):
        number, bracket, rest = path.removeprefix("[").partition("]")
        if not bracket or not number.isdecimal() or int(number) >= len(value):
            return _NOTHING, None
        return _below(value, int(number), rest)
    # The longest first: keys may contain dots and brackets, so a shorter one may be a prefix.
    for key in sorted(value, key=len, reverse=True) if isinstance(value, dict) else ():
        if path == key or (path.startswith(key) and path[len(key)] in ".["):
            return _below(value, key, path[len(key) :])
    return _NOTHING, None


def _below(owner: Any, key: Any, rest: str) -> tuple[Any, Any]:
    return _find(owner[key], rest.removeprefix(".")) if rest else (owner, key)
