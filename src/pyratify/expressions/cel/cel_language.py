"""CEL, the Common Expression Language (cel-spec), by Google's C++ implementation.

Types are checked when an expression is compiled. While it is evaluated, errors are values: a missing field makes the whole expression an
error, and only exactly true holds. `matches` is RE2, which is linear in time; the work of comprehensions is bounded by the library.
"""

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.expressions.cel.checks import STAND_IN, check_presence, check_texts
from pyratify.expressions.cel.members import seen_members
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
_DEEP = "recursion limit"
_FLATTER = "Write it with fewer levels of parentheses and macros, or as several validations."
_FAILED = "the expression could not be evaluated: "
_TRUE, _FALSE = Answer(True), Answer(False)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class CelProgram:
    """A compiled expression.

    Attributes:
        run: The library's evaluation of it.
        env: The library's environment, which is that of all expressions over the same variables.
        reads: The variables that it names.
        members: The members of objects in a list that it can see, as in `Source.lists`; None for all.
    """

    run: Any
    env: Any
    reads: frozenset[str]
    members: frozenset[str] | None = None

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        """Evaluate it; errors as in `Program`."""
        try:
            value = self._run(values)
            kind = value.type().name()
            # Only where it is one: not every value has a counterpart in Python.
            if kind == "BOOL":
                return _TRUE if value.plain_value() is True else _FALSE
            error = kind in ("ERROR", "UNKNOWN", "*error*", "*unknown*")
            said = _sentence(str(value.plain_value())) if error else ""
        # The library raises RuntimeError where its budget of iterations is used up.
        except Exception as error:  # noqa: BLE001 - whatever it raises, nothing was decided
            raise EvaluationError(f"{_FAILED}{_sentence(str(error))}") from None
        if said:
            raise EvaluationError(f"{_FAILED}{said}")
        raise EvaluationError(f"the expression gave a value of type {kind}, not a bool")

    def _run(self, values: Mapping[str, Any]) -> Any:
        if not isinstance(values, SharedValues):
            given = {name: values[name] for name in self.reads}
            _refuse_nul(given)
            return self.run(data=given)
        activation = values.prepared.get(self.env)
        if activation is None:
            _refuse_nul(values)
            # Values are converted when the first expression reads them: nine tenths of the time that one takes.
            activation = values.prepared[self.env] = self.env.Activation(dict(values))
        return self.run(activation)


def _refuse_nul(values: Mapping[str, Any]) -> None:
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
        check_presence(source, (name for name in source.variables if "." in name))
        expression = _compile(env, source)
        check_texts(source, partial(_fault, env))
        if expression.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
            raise ConfigurationError(
                f"the expression is of type {expression.return_type().name()}, not a bool",
                path=source.path,
                remedy="Compare the value with something.",
                stand_in=STAND_IN,
            )
        reads = frozenset(name for name in source.variables if _reads(source, declared, name))
        return CelProgram(expression.eval, env, reads, _members(expression, source))


language = Cel()


def _members(expression: Any, source: Source) -> frozenset[str] | None:
    roots = [name for name, kind in source.variables.items() if kind is Kind.LIST]
    if not source.lists or len(roots) != 1:
        return None
    plain = source.variables.keys() - set(roots)
    return seen_members(expression.serialize(), plain, roots[0], source.lists)


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


def _fault(env: Any, text: str) -> str:
    try:
        CelProgram(env.compile(text).eval, env, frozenset()).evaluate({})
    except EvaluationError as error:
        return error.message.removeprefix(_FAILED)
    return ""


def _compile(env: Any, source: Source) -> Any:
    try:
        return env.compile(source.text)
    except Exception as error:  # noqa: BLE001 - the library raises RuntimeError for every fault
        raise ConfigurationError(
            f"the expression cannot be used: {_sentence(str(error))}",
            path=source.path,
            remedy=_FLATTER
            if _DEEP in str(error)
            else f"Correct it; it may name {', '.join(source.variables)}.",
            stand_in=STAND_IN,
        ) from None


# An environment takes ten times as long as an expression that is compiled in it.
@lru_cache(maxsize=128)
def _environment(declared: tuple[Variable, ...]) -> Any:
    cel = _library("")
    from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

    # As in Kubernetes: none of them reaches out of the expression.
    extensions = [
        ext_strings.ExtStrings(),
        ext_optional.ExtOptional(),
        ext_math.ExtMath(),
        ext_bindings.ExtBindings(),
    ]
    variables = {name: _type(cel, kind) for name, kind in declared}
    return cel.NewEnv(variables=variables, extensions=extensions)


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
    # Of an integer that is too large it shows everything around, too.
    first = re.sub(r"(out of range) for '.*", r"\1", first)
    return re.sub(r"^[A-Z_]+: (?:ERROR: <input>:)?", "", first)[:_MAX_MESSAGE]


def _library(path: str) -> Any:
    # Lazy: an optional dependency of 15 MB.
    try:
        from cel_expr_python import cel
    except ImportError:
        raise not_installed("cel", path) from None
    return cel
