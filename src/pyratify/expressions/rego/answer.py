"""What the result of a Rego query says: a bool, or `allow` and `deny` of a package."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pyratify.expressions.language import Answer, EvaluationError

# With Conftest, what follows an underscore is free.
_FORBIDS = re.compile(r"(?:deny|violation)(?:_|\Z)")
UNDEFINED = object()
"""Stands for a query without a result."""
_MAX_MESSAGES = 20
_MAX_MESSAGE = 300


def value_of(results: str | bytes) -> object:
    """Return the value in the engine's results, in JSON; UNDEFINED where there is none.

    Raises:
        ValueError: It is no JSON.
    """
    found = json.loads(results).get("result") or []
    return found[0]["expressions"][0]["value"] if found else UNDEFINED


def answer_of(result: object, query: str, *, only_bool: bool = False) -> Answer:
    """Return what a result says.

    Args:
        result: A bool; or an object whose `allow` is a bool and whose `deny`, where there is one, lists why not.
        query: What was asked, for messages.
        only_bool: Whether an object is no answer, as in Ratify v1's contract.

    Raises:
        EvaluationError: There is no result, or it is anything else.
    """
    if result is UNDEFINED:
        raise EvaluationError(f"{query} is undefined: a rule is missing, or none of its bodies is true")
    if result is True or result is False:
        return Answer(result)
    if only_bool or not isinstance(result, Mapping):
        raise EvaluationError(f"{query} is {_kind(result)}, not a bool")
    # Of Gatekeeper and Conftest: a policy that forbids by it alone would forbid nothing here.
    other = next((name for name in result if _FORBIDS.match(name)), None)
    if other is not None and "deny" not in result:
        raise EvaluationError(f"{query}.{other} forbids nothing: call the rule deny, whose messages forbid")
    messages = _messages(result.get("deny", ()), query)
    allow = result.get("allow", UNDEFINED)
    # With messages the answer is no, also where `allow` has no value.
    if messages:
        return Answer(False, messages)
    if allow is UNDEFINED:
        raise EvaluationError(f"{query}.allow is undefined; give it a default of false")
    if allow is not True and allow is not False:
        raise EvaluationError(f"{query}.allow is {_kind(allow)}, not a bool")
    return Answer(allow)


def _messages(deny: object, query: str) -> tuple[str, ...]:
    # An object or a bool in its place could be a rule that is written wrongly, and would forbid nothing.
    if not isinstance(deny, list | tuple):
        raise EvaluationError(f"{query}.deny is {_kind(deny)}, not a set of messages")
    return tuple(_text(each)[:_MAX_MESSAGE] or "denied" for each in deny[:_MAX_MESSAGES])


def _text(message: object) -> str:
    # As with Gatekeeper and Conftest, an object has its sentence in `msg`, and details beside it.
    said = message.get("msg") if isinstance(message, Mapping) else message
    return said if isinstance(said, str) else json.dumps(message)


def _kind(value: Any) -> str:
    return {bool: "a bool", dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(
        type(value), "a number"
    )
