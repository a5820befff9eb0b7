"""The embedded engine of Rego (regorus), on a thread of its own."""

import json
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from pyratify.expressions.language import EvaluationError, not_installed
from pyratify.expressions.rego_answer import UNDEFINED

MAX_INPUT = 4 * 1024 * 1024
_MAX_MESSAGE = 300
_Work = tuple[str, "Future[object]"]


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
    """Return an engine with one policy.

    Raises:
        ConfigurationError: The extra is not installed.
        RuntimeError: The policy cannot be parsed.
    """
    engine = load_engine(path).Engine()
    engine.set_rego_v0(v0)
    # Otherwise print() of a policy writes to the error output of the server.
    engine.set_gather_prints(True)
    engine.add_policy("policy.rego", text)
    return engine


def evaluate(engine: Any, query: str, data: str) -> object:
    """Return the value of a query for an input in JSON; UNDEFINED where it has none."""
    engine.set_input_json(data)
    results = json.loads(engine.eval_query_as_json(query)).get("result") or []
    engine.take_prints()
    return results[0]["expressions"][0]["value"] if results else UNDEFINED


class EngineThread:
    """Evaluates one query with one engine, which must not leave the thread that made it.

    Args:
        make: Makes the engine.
        query: What is evaluated.
    """

    def __init__(self, make: Callable[[], Any], query: str) -> None:
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        # A daemon: a policy without end must not hold the end of the process.
        thread = threading.Thread(target=_serve, args=(self._queue, make, query), name="rego", daemon=True)
        thread.start()
        weakref.finalize(self, self._queue.put, None)

    def ask(self, values: Any, seconds: float) -> object:
        """Return the query's value for an input.

        Raises:
            EvaluationError: It failed, was late, or the input is too large.
        """
        data = json.dumps(values, allow_nan=False)
        if len(data) > MAX_INPUT:
            raise EvaluationError(f"the input has {len(data)} bytes, more than the {MAX_INPUT} allowed")
        future: Future[object] = Future()
        self._queue.put((data, future))
        try:
            return future.result(seconds)
        except TimeoutError:
            # Not begun yet: then it never is.
            future.cancel()
            raise EvaluationError(f"the policy did not answer within {seconds:g} seconds") from None
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, nothing was decided
            raise EvaluationError(f"the policy could not be evaluated: {sentence(str(error))}") from None


def sentence(text: str) -> str:
    """Return the engine's message in one line, without its picture of the source and its stack."""
    lines = [line.strip() for line in text.partition("Stack backtrace")[0].splitlines() if line.strip()]
    place = lines[0].removeprefix("-->").strip() if lines else ""
    said = next((line.rpartition("error: ")[2] for line in lines if "error: " in line), "")
    return f"{said} ({place})"[:_MAX_MESSAGE] if said and said != place else (place or text)[:_MAX_MESSAGE]


def _serve(queue: "SimpleQueue[_Work | None]", make: Callable[[], Any], query: str) -> None:
    engine = None
    while (work := queue.get()) is not None:
        data, future = work
        if not future.set_running_or_notify_cancel():
            continue
        try:
            engine = make() if engine is None else engine
            future.set_result(evaluate(engine, query, data))
        # Also a panic of the engine, which is no Exception; the engine may be left in any state.
        except BaseException as error:  # noqa: BLE001
            engine = None
            future.set_exception(RuntimeError(str(error)))
