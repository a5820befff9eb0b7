"""What the process of a policy in Rego is asked, and what its answer says."""

import json
from datetime import datetime
from typing import Any

import msgspec

from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.answer import value_of
from pyratify.expressions.rego.messages import FAILED

MAX_INPUT = 4 * 1024 * 1024
_encoder = msgspec.json.Encoder()


def encode_question(values: Any, now: datetime | None) -> bytes:
    """Return the message that asks for the query's value: the time in nanoseconds and, behind a line break, the input.

    Args:
        values: The input, of JSON values.
        now: What `time.now_ns` gives, in whole seconds; None for a policy that does not ask for it.

    Raises:
        EvaluationError: The input is too large.
        ValueError: A number is not finite.
        TypeError: It is no JSON value.
    """
    data = _encode(values)
    if len(data) > MAX_INPUT:
        raise EvaluationError(f"the input has {len(data)} bytes, more than the {MAX_INPUT} allowed")
    moment = b"" if now is None else str(int(now.timestamp()) * 10**9).encode()
    return moment + b"\n" + data


def decode_answer(answer: bytes) -> object:
    """Return the query's value; UNDEFINED where it has none.

    Raises:
        EvaluationError: There was no answer.
        ValueError: It is none of the engine's.
    """
    if answer.startswith(FAILED):
        said = answer.removeprefix(FAILED).decode(errors="replace")
        raise EvaluationError(f"the policy could not be evaluated: {said}")
    return value_of(answer)


def _encode(values: Any) -> bytes:
    try:
        data = _encoder.encode(values)
    # Keys and texts that it refuses, as half of a surrogate pair.
    except (TypeError, UnicodeEncodeError):
        data = b"null"
    # RFC 8259, section 6: NaN and Infinity are no JSON, and this encoder writes null for them; `json`, which takes ten times as long,
    # refuses them.
    return json.dumps(values, allow_nan=False).encode() if b"null" in data else data
