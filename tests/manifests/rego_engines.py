"""The shipped constraint templates in two Rego engines: regopy, and OPA as gator builds it.

Only the call to the provider is replaced, by a function of the same name that returns the answer of the case.
"""

import base64
import copy
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "deploy" / "templates"
GATOR = Path.home() / ".cache" / "pyratify" / "peers" / "bin" / "gator"
NOW = "2026-11-23T12:00:00Z"
MISSING = object()


class NotUsable(Exception):
    """Gatekeeper does not take a template, a constraint or an object."""


@dataclass(frozen=True)
class Case:
    """One object, the provider's answer, and whether it is refused.

    Attributes:
        name: The case's name, lower-case letters, digits and dashes.
        template: The template's folder.
        review: What Gatekeeper asks about, without the kind.
        answer: The provider's response as Rego sees it; `MISSING` when the call is undefined.
        parameters: The constraint's parameters.
        refused: Whether there must be a violation.
    """

    name: str
    template: str
    review: Mapping[str, Any]
    answer: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = True


@cache
def template(folder: str) -> dict[str, Any]:
    """Return a template."""
    found: dict[str, Any] = yaml.safe_load((TEMPLATES / folder / "template.yaml").read_text())
    return found


def sources(folder: str) -> tuple[str, str]:
    """Return a template's Rego: the template's own, and its library."""
    (target,) = template(folder)["spec"]["targets"]
    (library,) = target["libs"]
    return target["rego"], library


@cache
def _interpreter(folder: str) -> Any:
    from regopy import Interpreter

    found = Interpreter()
    own, library = (
        text.replace("time.parse_rfc3339_ns(", "parse_instant(").replace("time.now_ns()", "input.now")
        for text in sources(folder)
    )
    found.add_module("library", library)
    found.add_module(
        "template",
        f"{own}\nexternal_data(_) := input.answer\nparse_instant(text) := input.instants[text]\n"
        "verdict := [base64.encode(found.msg) | some found in violation]\nasked := [base64.encode(key) | some key in keys]\n",
    )
    return found


def _texts(value: Any) -> set[str]:
    """Return all texts in a JSON value, and in JSON that is a text in it."""
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            return {value}
        return {value} | (_texts(inner) if isinstance(inner, dict) else set())
    if isinstance(value, Mapping):
        value = list(value.values())
    return {text for item in value for text in _texts(item)} if isinstance(value, list) else set()


def _instant(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(found.timestamp()) * 10**9 if found.tzinfo else None


def _query(case: Case, rule: str) -> list[str]:
    engine = _interpreter(case.template)
    document: dict[str, Any] = {"review": case.review, "parameters": case.parameters, "now": _instant(NOW)}
    if case.answer is not MISSING:
        document["answer"] = case.answer
        known = {text: _instant(text) for text in _texts(case.answer)}
        document["instants"] = {text: instant for text, instant in known.items() if instant is not None}
    engine.set_input(document)
    found = engine.query(f"data.{template(case.template)['metadata']['name']}.{rule}")
    return sorted(base64.b64decode(text).decode() for text in found.results[0].expressions[0])


def violations(case: Case) -> list[str]:
    """Return the messages of the violations, by regopy."""
    return _query(case, "verdict")


def asked(case: Case) -> list[str]:
    """Return the keys that the provider is asked for, by regopy."""
    return _query(case, "asked")


def gator(cases: tuple[Case, ...], path: Path) -> dict[str, list[str]]:
    """Return the messages by the cases' names, by gator with the shipped constraint.

    All cases have one template and the same parameters; every object gets its case's name, and its answer is found by that.

    Args:
        cases: The cases.
        path: Where the file for gator is written.

    Raises:
        NotUsable: Gatekeeper refuses the template, the constraint or an object.
    """
    first = cases[0]
    shipped = copy.deepcopy(template(first.template))
    (target,) = shipped["spec"]["targets"]
    answers = {case.name: case.answer for case in cases if case.answer is not MISSING}
    target["rego"] += (
        f"\nexternal_data(_) := answers[input.review.object.metadata.name]\nanswers := {json.dumps(answers)}\n"
    )
    constraint = yaml.safe_load((TEMPLATES / first.template / "constraint.yaml").read_text())
    constraint["spec"]["parameters"] = dict(first.parameters)
    objects = [_named(case) for case in cases]
    path.write_text("\n---\n".join(json.dumps(each) for each in (shipped, constraint, *objects)))
    command = [str(GATOR), "test", "-f", str(path), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if not done.stdout.strip():
        raise NotUsable(done.stderr)
    found: dict[str, list[str]] = {case.name: [] for case in cases}
    for item in json.loads(done.stdout) or []:
        found[item["violatingObject"]["metadata"]["name"]].append(item["msg"])
    return found


def _named(case: Case) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(dict(case.review["object"]))
    found.setdefault("metadata", {})["name"] = case.name
    return found


def answer_of(
    *pairs: tuple[str, Any], errors: Any = (), system_error: str = "", status: int = 200
) -> dict[str, Any]:
    """Return a provider's response as Gatekeeper hands it to Rego."""
    return {
        "responses": [list(pair) for pair in pairs],
        "errors": [list(pair) for pair in errors],
        "status_code": status,
        "system_error": system_error,
    }
