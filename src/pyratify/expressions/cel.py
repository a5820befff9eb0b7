"""CEL, the Common Expression Language (cel-spec), by Google's C++ implementation.

Types are checked when an expression is compiled. While it is evaluated, errors are values: a missing field makes the whole expression an
error, and only exactly true holds. `matches` is RE2, which is linear in time; the work of comprehensions is bounded by the library.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import (
    Answer,
    EvaluationError,
    Kind,
    Program,
    SharedValues,
    Source,
    check_length,
    not_installed,
)

Variable = tuple[str, Kind]
_MAX_MESSAGE = 300
_TRUE, _FALSE = Answer(True), Answer(False)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class CelProgram:
    """A compiled expression.

    Attributes:
        run: The library's evaluation of it.
        env: The library's environment, which is that of all expressions over the same variables.
        reads: The variables that it names.
    """

    run: Any
    env: Any
    reads: frozenset[str]

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        """Evaluate it; errors as in `Program`."""
        try:
            value = self._run(values)
            found = value.plain_value()
            if found is True:
                return _TRUE
            if found is False:
                return _FALSE
            kind = value.type().name()
        # The library raises RuntimeError where its budget of iterations is used up.
        except Exception as error:  # noqa: BLE001 - whatever it raises, nothing was decided
            raise EvaluationError(f"the expression could not be evaluated: {_sentence(str(error))}") from None
        if kind in ("ERROR", "UNKNOWN", "*error*", "*unknown*"):
            raise EvaluationError(f"the expression could not be evaluated: {_sentence(str(found))}")
        raise EvaluationError(f"the expression gave a value of type {kind}, not a bool")

    def _run(self, values: Mapping[str, Any]) -> Any:
        if not isinstance(values, SharedValues):
            given = {name: values[name] for name in self.reads}
            _check_texts(given)
            return self.run(data=given)
        activation = values.prepared.get(self.env)
        if activation is None:
            _check_texts(values)
            # Values are converted when the first expression reads them: nine tenths of the time that one takes.
            activation = values.prepared[self.env] = self.env.Activation(dict(values))
        return self.run(activation)


def _check_texts(values: Mapping[str, Any]) -> None:
    """Refuse a text with a NUL character: the library converts only what is before it, so it would equal that.

    Raises:
        ValueError: One has it.
    """
    for name, value in values.items():
        # A third of the time that a walk in Python takes; what this encoder refuses, the library refuses as well.
        data = _encoder.encode(value)
        # The first `in` is only quicker. Escaped backslashes go first: one of them and `u0000` behind it is no NUL.
        if b"\\" in data and b"\\u0000" in data.replace(rb"\\", b""):
            raise ValueError(
                f"{name} has a text with a NUL character, and what is behind that would not be seen"
            )


class Cel:
    """CEL: expressions whose types are checked when the configuration is read."""

    def compile(self, source: Source) -> Program:
        """Compile an expression; errors as in `Language`."""
        check_length(source)
        cel = _library(source.path)
        declared = tuple(source.variables.items())
        env = _environment(declared)
        expression = _compile(env, source)
        if expression.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
            raise ConfigurationError(
                f"the expression is of type {expression.return_type().name()}, not a bool",
                path=source.path,
                remedy="Compare the value with something.",
            )
        reads = frozenset(name for name in source.variables if _reads(source, declared, name))
        return CelProgram(expression.eval, env, reads)


language = Cel()


def _reads(source: Source, declared: tuple[Variable, ...], name: str) -> bool:
    """Return whether the expression names a variable: without its declaration, it does not compile."""
    # Cheap first: most variables are not even in the text.
    if not re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", source.text):
        return False
    try:
        _compile(_environment(tuple(each for each in declared if each[0] != name)), source)
    except ConfigurationError:
        return True
    return False


def _compile(env: Any, source: Source) -> Any:
    try:
        return env.compile(source.text)
    except Exception as error:  # noqa: BLE001 - the library raises RuntimeError for every fault
        raise ConfigurationError(
            f"the expression cannot be used: {_sentence(str(error))}",
            path=source.path,
            remedy=f"Correct it; it may name {', '.join(source.variables)}.",
        ) from None


# An environment takes ten times as long as an expression that is compiled in it.
@lru_cache(maxsize=128)
def _environment(declared: tuple[Variable, ...]) -> Any:
    cel = _library("")
    return cel.NewEnv(variables={name: _type(cel, kind) for name, kind in declared})


def _type(cel: Any, kind: Kind) -> Any:
    types = {
        Kind.TEXT: cel.Type.STRING,
        Kind.LIST: cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN)),
        Kind.ANY: cel.Type.DYN,
        Kind.TIME: cel.Type.TIMESTAMP,
    }
    return types[kind]


def _sentence(text: str) -> str:
    """Return the library's message in one line, without its codes."""
    # After its first line the library shows the place once more, drawn below the source.
    first = text.strip().partition("\n")[0]
    return re.sub(r"^[A-Z_]+: (?:ERROR: <input>:)?", "", first)[:_MAX_MESSAGE]


def _library(path: str) -> Any:
    # Lazy: an optional dependency of 15 MB.
    try:
        from cel_expr_python import cel
    except ImportError:
        raise not_installed("cel", path) from None
    return cel
