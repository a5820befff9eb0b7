"""Rego, the language of the Open Policy Agent, evaluated here.

The engine is held to four things: a policy is screened (`source.py`), canaries with known answers come out right when a policy is
compiled, it is evaluated in a process of its own within a budget of time and memory, and only exactly `true` allows.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import Answer, EvaluationError, Program, Source, check_length
from pyratify.expressions.rego.answer import UNDEFINED, answer_of, value_of
from pyratify.expressions.rego.calls import check_calls
from pyratify.expressions.rego.engine import evaluate, make_engine
from pyratify.expressions.rego.engine_process import EngineProcess
from pyratify.expressions.rego.negation import rewrite_negations
from pyratify.expressions.rego.parse_policy import parse
from pyratify.expressions.rego.safety import (
    refuse_constant_statements,
    refuse_early_every,
    refuse_numbers,
    refuse_object_patterns,
    refuse_unsafe_heads,
    refuse_unsafe_negations,
    refuse_unused_variables,
)
from pyratify.expressions.rego.source import reads_clock, refuse_functions, refuse_walks, rewrite_walks
from pyratify.expressions.rego.tree import Tree

DEFAULT_QUERY = "data.pyratify"
INPUT, NOW = "input", "now"
_SECONDS = 1.0
# Each has to be true: what another build of the engine might evaluate as nothing, or as something else.
CANARIES = (
    "walk(input, [p, v]); p == ['a', 0]; v == 1",
    "every x in input.a { x > 0 }",
    "some x in input.a; x == 2",
    "not input.missing",
    "input.b == 7 with input.b as 7",
    "regex.match(`^a+$`, input.s); not regex.match(`^b+$`, input.s)",
    "{x | some x in input.a} == {1, 2}",
    "data.canary.constant == false; count([1 | input.a[_] > 1]) == 1",
)
_CANARY_INPUT = json.dumps({"a": [1, 2], "s": "aa"})


@dataclass(frozen=True, slots=True)
class RegoProgram:
    """A compiled policy.

    Attributes:
        process: Evaluates it.
        query: What is asked.
        reads_clock: Whether it names `time.now_ns`, which then gives the time of the question and not the machine's.
        seconds: How long an evaluation may take.
        only_bool: Whether the answer is a bool, and never an object with `allow` and `deny`.
    """

    process: EngineProcess
    query: str
    reads_clock: bool = False
    seconds: float = _SECONDS
    only_bool: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The whole input, as which of its parts a policy names is not known; and the time."""
        return frozenset({INPUT, NOW} if self.reads_clock else {INPUT})

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        """Evaluate the query over `values["input"]`, at `values["now"]`; errors as in `Program`."""
        return self._answer(self.process.ask(values[INPUT], self.seconds, self._now(values)))

    async def evaluate_async(self, values: Mapping[str, Any]) -> Answer:
        """As `evaluate`, without a thread of its own; errors as in `EngineProcess.ask_async`."""
        return self._answer(await self.process.ask_async(values[INPUT], self.seconds, self._now(values)))

    def _answer(self, result: object) -> Answer:
        return answer_of(result, self.query, only_bool=self.only_bool)

    def _now(self, values: Mapping[str, Any]) -> datetime | None:
        return values[NOW] if self.reads_clock else None


class Rego:
    """Rego: policies of the Open Policy Agent, evaluated without one."""

    def compile(self, source: Source) -> Program:
        """Compile a policy; options are `version` (v0 or v1), `query`, `seconds`, and `answer: bool` where an object is none.

        Raises:
            ConfigurationError: It cannot be parsed, is refused by the screen, lacks the queried package, the extra is not
                installed, or the installed engine does not give known answers.
        """
        check_length(source)
        v0 = source.options.get("version") == "v0"
        query = source.options.get("query", DEFAULT_QUERY)
        # Before the screen, which relies on this engine's parser.
        check_canaries(source.path)
        tree = parse(source.text, source.path, v0=v0)
        text = _screened(tree, source.path, v0=v0)
        _check_query(query, tree.packages, source.path)
        process = EngineProcess(text, v0=v0, query=query)
        # Now: a policy that the process cannot load is a fault of the configuration, not of the first image.
        try:
            process.start()
        except EvaluationError as error:
            raise ConfigurationError(error.message, path=source.path) from None
        seconds = float(source.options.get("seconds", _SECONDS))
        return RegoProgram(process, query, reads_clock(tree), seconds, source.options.get("answer") == "bool")


language = Rego()


def screen(text: str, path: str, *, v0: bool) -> str:
    """Return the policy as the engine is to evaluate it.

    Raises:
        ConfigurationError: It cannot be parsed, or names what is refused.
    """
    return _screened(parse(text, path, v0=v0), path, v0=v0)


def _screened(tree: Tree, path: str, *, v0: bool) -> str:
    refuse_functions(tree, path)
    refuse_unsafe_negations(tree, path)
    refuse_numbers(tree, path)
    refuse_object_patterns(tree, path)
    refuse_constant_statements(tree, path)
    refuse_unused_variables(tree, path)
    refuse_early_every(tree, path)
    refuse_unsafe_heads(tree, path)
    changes = [*rewrite_walks(tree), *check_calls(tree, path)]
    if changes:
        tree = parse(tree.changed(changes), path, v0=v0)
    refuse_walks(tree, path)
    return rewrite_negations(tree)


def _check_query(query: str, packages: tuple[str, ...], path: str) -> None:
    if query in packages or query.rpartition(".")[0] in packages:
        return
    package = (query if query == DEFAULT_QUERY else query.rpartition(".")[0]).removeprefix("data.")
    raise ConfigurationError(
        f"the policy is of {', '.join(packages)[:200]}, and {query} is asked for",
        path=path,
        remedy=f"Begin it with: package {package}",
    )


def check_canaries(path: str, canaries: tuple[str, ...] = CANARIES) -> None:
    """Refuse an engine that does not give known answers: several builds have one module name.

    Raises:
        ConfigurationError: A canary is not true, or the extra is not installed.
    """
    wrong = _wrong_canary(path, canaries)
    if wrong is not None:
        raise ConfigurationError(
            f"the installed engine of Rego gives a wrong answer to a known question: {wrong}",
            path=path,
            remedy="Install the one that is tested: pip install 'pyratify[rego]', and uninstall other packages of the module regorus.",
        )


# Once in a process: the installed engine stays what it is.
@cache
def _wrong_canary(path: str, canaries: tuple[str, ...]) -> str | None:
    for body in canaries:
        text = f"package canary\nimport rego.v1\ndefault constant := false\nok if {{ {body.replace(chr(39), chr(34))} }}\n"
        try:
            found = value_of(evaluate(make_engine(path, text, v0=False), "data.canary.ok", _CANARY_INPUT))
        # A build that cannot parse the canary gives a wrong answer too.
        except RuntimeError:
            found = UNDEFINED
        if found is not True:
            return body
    return None
