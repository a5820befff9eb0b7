"""A strict subset of YAML: the core schema of YAML 1.2, in which every reader sees the same values.

Refused: anchors, aliases and tags, duplicate keys, keys that are no strings, several documents, deep nesting. Plain
scalars are null, booleans and numbers as in JSON; everything else, `no` and `017` and `12:30` included, is a string.
"""

import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from pyratify.config.locations import join
from pyratify.core.errors import ConfigurationError

T = TypeVar("T")
MAX_DEPTH = 64
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_FLATTER = "Write it flatter."
_SYNTAX = "Correct the line; indentation is of spaces, and texts with : # or quotes in them stand in quotes."
_ONE_READING = "Correct the line: only what every reader of YAML understands in one way is accepted."
# As in JSON: `True` and `NULL`, which YAML 1.2 10.3.2 reads too, stay texts.
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
# No octal: YAML 1.1 reads `017` as 15, YAML 1.2 as 17, so it stays a text.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./_-]+(?: [A-Za-z0-9./_-]+)*", re.ASCII)
_REAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)


def loads(data: bytes) -> Any:
    """Parse one YAML document into JSON values.

    Raises:
        ConfigurationError: With the line of the fault.
    """
    return _read(data, _Reader.document)


def loads_all(data: bytes) -> tuple[Any, ...]:
    """Parse any number of YAML documents into JSON values; errors as in `loads`."""
    return _read(data, _Reader.documents)


def _read(data: bytes, read: Callable[["_Reader"], T]) -> T:
    import yaml

    # The scanner in C is much faster; not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # YAML 1.2 5.2 allows a byte order mark, and editors of Windows write it.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError("the document is not UTF-8", remedy="Save it as UTF-8.") from None
    try:
        return read(_Reader(yaml.parse(text, Loader=loader)))
    except yaml.YAMLError as error:
        raise _not_yaml(error, text) from None
    except RecursionError:
        raise ConfigurationError(_TOO_DEEP, remedy=_FLATTER) from None


def _not_yaml(error: Any, text: str) -> ConfigurationError:
    """Translate an error of the library; its scanner, which reads ahead, has a bound of its own on nesting."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return ConfigurationError(f"not YAML: {getattr(error, 'problem', None) or 'invalid'}", remedy=_SYNTAX)
    read = text[: mark.index]
    if sum(map(read.count, "[{")) - sum(map(read.count, "]}")) > MAX_DEPTH:
        return ConfigurationError(f"line {mark.line + 1}: {_TOO_DEEP}", remedy=_FLATTER)
    return ConfigurationError(f"line {mark.line + 1}: not YAML: {error.problem or 'invalid'}", remedy=_SYNTAX)


def lines(data: bytes) -> dict[str, int]:
    """Return the line on which each value of a document that `loads` has read begins, by its path; for JSON too."""
    import yaml

    found: dict[str, int] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events = yaml.parse(data.decode("utf-8-sig"), Loader=loader)
        next(events), next(events)  # the stream and the document begin
        _mark(events, next(events), "", found)
    except (UnicodeDecodeError, yaml.YAMLError, StopIteration, RecursionError):
        return found  # what was read so far: lines only help to find a fault
    return found


def _mark(events: Iterator[Any], event: Any, path: str, found: dict[str, int]) -> None:
    found.setdefault(path, event.start_mark.line + 1)
    kind, index = type(event).__name__, 0
    while kind in {"SequenceStartEvent", "MappingStartEvent"}:
        below = next(events)
        if type(below).__name__ in {"SequenceEndEvent", "MappingEndEvent"}:
            return
        if kind == "SequenceStartEvent":
            _mark(events, below, f"{path}[{index}]", found)
            index += 1
        else:
            place = join(path, str(getattr(below, "value", "")))
            found[place] = below.start_mark.line + 1
            _mark(events, next(events), place, found)


def dumps(value: Any) -> str:
    """Return JSON values as one YAML document that `loads`, and every reader of YAML 1.1, reads as these values."""
    import yaml

    return yaml.dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=110)


class _Reader:
    """Builds values from parsing events; nothing is constructed from a tag."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events

    def document(self) -> Any:
        self._next("StreamStartEvent")
        if not self._next("DocumentStartEvent", "StreamEndEvent"):
            return None
        value = self._value(next(self._events), 0)
        self._next("DocumentEndEvent")
        self._next("StreamEndEvent")
        return value

    def documents(self) -> tuple[Any, ...]:
        self._next("StreamStartEvent")
        values = []
        while self._next("DocumentStartEvent", "StreamEndEvent"):
            values.append(self._value(next(self._events), 0))
            self._next("DocumentEndEvent")
        return tuple(values)

    def _next(self, *kinds: str) -> bool:
        """Consume an event of one of these kinds; return whether it is of the first."""
        event = next(self._events)
        kind = type(event).__name__
        if kind not in kinds:
            raise _fault(event, "there is more than one document")
        return kind == kinds[0]

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event).__name__
        # An alias in an alias makes gigabytes of a few lines.
        if kind == "AliasEvent" or event.anchor is not None:
            raise _fault(event, "anchors and aliases are not accepted; write the value out")
        # Tags make objects of Python, or values that other readers see as something else.
        if event.tag is not None:
            raise _fault(event, "tags are not accepted")
        if depth > MAX_DEPTH:
            raise _fault(event, _TOO_DEEP)
        if kind == "ScalarEvent":
            # Only plain scalars are more than text: what is quoted stays a string.
            return _scalar(event) if event.implicit[0] else event.value
        return self._sequence(depth) if kind == "SequenceStartEvent" else self._mapping(depth)

    def _sequence(self, depth: int) -> list[Any]:
        values = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = self._value(event, depth + 1) if type(event).__name__ == "ScalarEvent" else None
            if not isinstance(key, str):
                raise _fault(event, "a key is not a string; quote it")
            # YAML 1.2 3.2.1.1: keys are unique; PyYAML would take the last.
            if key in values:
                raise _fault(event, f"the key {key[:80]!r} is given twice")
            values[key] = self._value(next(self._events), depth + 1)
        return values


def _scalar(event: Any) -> Any:
    text: str = event.value
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        # As in `core.strictjson`: both formats have the same numbers.
        value = float(text) if len(text) <= 32 else math.inf
        if not math.isfinite(value):
            raise _fault(event, "a number is too large or too long")
        return value
    return text


@cache
def _dumper() -> Any:
    """Return PyYAML's dumper, without the anchors that `loads` refuses, and with long texts as blocks."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

        def represent_text(self, text: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))

    Plain.add_representer(str, Plain.represent_text)
    return Plain


def _style(text: str) -> str | None:
    """Return how a text is quoted: not at all where no reader could take it for anything else."""
    if _PLAIN.fullmatch(text):
        return None
    # In double quotes, where such characters can be escaped.
    if not text.isascii() or not text.replace("\n", "").isprintable():
        return '"'
    return "|" if "\n" in text else "'"


def _fault(event: Any, message: str) -> ConfigurationError:
    return ConfigurationError(
        f"line {event.start_mark.line + 1}: {message}",
        remedy=_FLATTER if message == _TOO_DEEP else _ONE_READING,
    )
