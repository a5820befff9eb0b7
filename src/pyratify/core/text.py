"""Escapes untrusted text for terminals and logs, and bounds its length."""

from collections.abc import Mapping
from typing import Any

MAX_FIELD = 1024
MAX_REFERENCE = 4608  # a layout's path of 4096 characters, its tag and its digest
MAX_REPORT = 256 * 1024
_MAX_DEPTH = 16


def clean(text: str, limit: int = MAX_FIELD) -> str:
    r"""Return the text with every character that is not printable escaped, and cut at the limit.

    Control characters, line and paragraph separators, bidirectional and zero-width marks and lone surrogates all
    become escapes such as `\x1b` or `\u202e`.

    Args:
        text: What to show.
        limit: The most characters of it.
    """
    rest = len(text) - limit
    # Cut before it is escaped: the work depends on the limit, not on the text.
    if rest > 0:
        text = text[:limit]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    return f"{text}... [{rest} characters left out]" if rest > 0 else text


def bounded(value: Any, depth: int = 0) -> Any:
    """Return a JSON value whose strings are cut at the limit of a field; keys included.

    Raises:
        ValueError: It is nested more than 16 levels, as a value that contains itself.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Mapping):
        return {_cut(key): bounded(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bounded(item, depth + 1) for item in value]
    return value


def _cut(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("a key is not a string")
    rest = len(text) - MAX_FIELD
    return f"{text[:MAX_FIELD]}... [{rest} characters left out]" if rest > 0 else text


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
