"""OPA's own compliance cases, under the embedded engine and its screen."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.rego.engine import empty_engine
from pyratify.expressions.rego.rego_language import screen


class Fate(StrEnum):
    """What became of a case."""

    RIGHT = "right"
    REFUSED = "refused when built"
    ERROR = "error when evaluated"
    WRONG = "silently another result"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case.

    Attributes:
        group: The folder that it is in, as `aggregates`.
        note: Its name.
        fate: What became of it.
    """

    group: str
    note: str
    fate: Fate


def read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Iterate over the cases of a file with one in each line."""
    for line in path.read_text().splitlines():
        yield json.loads(line)


def read_folder(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Iterate over the cases of OPA's folder of YAML files."""
    import yaml

    for path in sorted(folder.rglob("*.yaml")):
        for case in (yaml.load(path.read_text(), yaml.CSafeLoader) or {}).get("cases") or ():
            yield {**case, "_file": str(path.relative_to(folder))}


def run(cases: Iterable[Mapping[str, Any]], *, v0: bool) -> Iterator[Outcome]:
    """Iterate over the outcomes of cases that say what they want."""
    for case in cases:
        if any(name in case for name in ("want_result", "want_defined", "want_error", "want_error_code")):
            group = Path(str(case["_file"])).parts[-2]
            yield Outcome(group, str(case["note"]), _fate(case, v0=v0))


def _fate(case: Mapping[str, Any], *, v0: bool) -> Fate:
    try:
        modules = [screen(text, "policy", v0=v0) for text in case.get("modules") or ()]
    except ConfigurationError:
        return Fate.REFUSED
    fails = "want_error" in case or "want_error_code" in case
    try:
        found = _evaluate(case, modules, v0=v0)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Fate.RIGHT if fails else Fate.ERROR
    # OPA takes errors of built-in functions for undefined unless it is told otherwise.
    if fails:
        return Fate.RIGHT if not found else Fate.WRONG
    if "want_result" not in case:
        return Fate.RIGHT if bool(found) == bool(case["want_defined"]) else Fate.WRONG
    return Fate.RIGHT if _same(found, json.loads(json.dumps(case["want_result"] or []))) else Fate.WRONG


def _evaluate(case: Mapping[str, Any], modules: list[str], *, v0: bool) -> list[Any]:
    engine = empty_engine("", v0=v0)
    for number, text in enumerate(modules):
        engine.add_policy(f"m{number}.rego", text)
    if case.get("data"):
        engine.add_data_json(json.dumps(case["data"]))
    if "input_term" in case:
        term = engine.eval_query(case["input_term"])["result"][0]["expressions"][0]["value"]
        engine.set_input_json(json.dumps(term))
    elif "input" in case:
        engine.set_input_json(json.dumps(case["input"]))
    results = json.loads(engine.eval_query_as_json(case["query"])).get("result") or []
    return [each.get("bindings", {}) for each in results]


def _same(found: Any, wanted: Any) -> bool:
    """Return whether two values are equal, lists in any order: the cases do not say which are sets."""
    if isinstance(found, bool) or isinstance(wanted, bool) or found is None or wanted is None:
        return type(found) is type(wanted) and found == wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return abs(found - wanted) <= 1e-9 * max(1, abs(found), abs(wanted))
    if type(found) is not type(wanted):
        return False
    if isinstance(found, dict):
        return found.keys() == wanted.keys() and all(_same(found[name], wanted[name]) for name in found)
    if isinstance(found, list):
        return len(found) == len(wanted) and (
            _pairwise(found, wanted) or _pairwise(_sorted(found), _sorted(wanted))
        )
    return bool(found == wanted)


def _pairwise(found: list[Any], wanted: list[Any]) -> bool:
    return all(_same(one, other) for one, other in zip(found, wanted, strict=True))


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))
