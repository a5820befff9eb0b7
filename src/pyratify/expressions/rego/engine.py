"""The embedded engine of Rego (regorus)."""

import re
from typing import Any

from pyratify.expressions.language import not_installed
from pyratify.expressions.rego.checks import CHECKS, PREFIX, checked
from pyratify.expressions.rego.numbers import check_json

_MAX_MESSAGE = 300
_LONG = re.compile(r"[:,\[]\s?-?[0-9]{19}")
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_RAISED = re.compile(r"extension '\w+' raises Python error: ValueError: ")


def load_engine(path: str) -> Any:
    """Return the library.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    # Lazy: an optional dependency.
    try:
        import regorus
    except ImportError:
        raise not_installed("rego", path) from None
    return regorus


def make_engine(path: str, text: str, *, v0: bool) -> Any:
    """Return an engine with one policy; it must not leave the thread that made it.

    Raises:
        ConfigurationError: The extra is not installed.
        RuntimeError: The policy cannot be parsed.
    """
    engine = empty_engine(path, v0=v0)
    engine.add_policy("policy.rego", text)
    return engine


def empty_engine(path: str, *, v0: bool) -> Any:
    """Return an engine without a policy, and with the checks that rewritten ones call.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    engine = load_engine(path).Engine()
    # Before a policy is added, as it decides how that is parsed.
    engine.set_rego_v0(v0)
    # Otherwise print() of a policy writes to the error output of the server.
    engine.set_gather_prints(True)
    for name, (arguments, check) in CHECKS.items():
        engine.add_extension(f"{PREFIX}{name}", arguments, checked(check))
    return engine


def evaluate(engine: Any, query: str, data: str, now_ns: int | None = None) -> str:
    """Return the results of a query for an input in JSON, as `answer.value_of` reads them.

    Args:
        engine: The engine.
        query: What is evaluated.
        data: The input.
        now_ns: What `time.now_ns` gives; the machine's clock where it is None.

    Raises:
        RuntimeError: It failed.
        ValueError: The input has a number that the engine would round.
    """
    # The first finds digests in hexadecimal, too; the second alone would take a tenth of the evaluation.
    if b"0" * 19 in data.encode().translate(_DIGITS) and _LONG.search(data):
        try:
            check_json(data)
        except ValueError as error:
            raise ValueError(f"the input {error}") from None
    engine.set_input_json(data)
    clock = "" if now_ns is None else f" with time.now_ns as {now_ns}"
    results: str = engine.eval_query_as_json(query + clock)
    # Otherwise the gathered output grows with each evaluation.
    engine.take_prints()
    return results


def sentence(text: str) -> str:
    """Return the engine's message in one line, without its picture of the source and its stack."""
    lines = [line.strip() for line in text.partition("Stack backtrace")[0].splitlines() if line.strip()]
    place = lines[0].removeprefix("-->").strip() if lines else ""
    said = next((line.rpartition("error: ")[2] for line in lines if "error: " in line), "")
    said = _RAISED.sub("", said)
    return f"{said} ({place})"[:_MAX_MESSAGE] if said and said != place else (place or text)[:_MAX_MESSAGE]
