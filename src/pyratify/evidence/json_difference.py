"""Compares JSON values of a document with those that a policy expects."""

import json
from typing import Any

_MISSING = object()


def difference(expected: Any, actual: Any) -> tuple[str, str] | None:
    """Return the first difference as what is there and what is expected; None where everything expected is there.

    Of an object the expected members must be there; everything else must be equal, in type too. JSON has one type of numbers (RFC 8259,
    section 6), and they are equal by value: 1 and 1.0 are one number.

    Returns:
        Both as compact JSON, what is there with its path; empty where it is missing, and then the path is before what is expected.
    """
    return _below(expected, actual, "")


def _below(expected: Any, actual: Any, path: str) -> tuple[str, str] | None:
    if isinstance(expected, dict) and isinstance(actual, dict):
        below = (
            _below(value, actual.get(name, _MISSING), f"{path}.{name}" if path else name)
            for name, value in expected.items()
        )
        return next((each for each in below if each), None)
    where = f"{path}=" if path else ""
    if actual is _MISSING:
        return "", f"{where}{_shown(expected)}"
    return None if is_equal(expected, actual) else (f"{where}{_shown(actual)}", _shown(expected))


def is_equal(one: Any, other: Any) -> bool:
    """Return whether JSON values are equal in value and type: in Python `True == 1`, and so are lists and objects of these."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _shown(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))[:200]
