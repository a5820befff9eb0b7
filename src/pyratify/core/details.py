"""The details of a verifier as JSON: bounded, and only values that JSON has."""

import json
from collections.abc import Mapping
from typing import Any

from pyratify.core.isolation import describe
from pyratify.core.text import bounded
from pyratify.core.verifier import Details

MAX_DETAIL = 32 * 1024
"""Characters of JSON that one verifier may report on one artifact; a longer text is replaced by its length."""


def encode_details(data: Mapping[str, Any]) -> str:
    """Return the text of a JSON object.

    Raises:
        ValueError: Nested too deeply, a number that is not finite, or a lone surrogate.
        TypeError: A value of a kind that JSON does not have.
        RecursionError: It contains itself.
    """
    text = json.dumps(bounded(data), allow_nan=False, separators=(",", ":"))
    # An escape of D800 to DFFF may be half of a pair or a lone surrogate; UTF-8 can carry only pairs.
    if "\\ud" in text:
        json.dumps(bounded(data), ensure_ascii=False).encode("utf-8")
    # Replaced whole: a truncated text would be no JSON.
    return text if len(text) <= MAX_DETAIL else json.dumps({"leftOut": f"{len(text)} characters of details"})


def text_length(details: Details) -> int:
    """Return the number of characters of description, signers and warnings."""
    texts = (details.description, *details.signers, *(warning.message for warning in details.warnings))
    return sum(map(len, texts))


def find_fault(data: Mapping[str, Any]) -> str | None:
    """Return why the facts cannot be written as JSON, or None."""
    try:
        encode_details(data)
    # The exceptions of `json.dumps` for values of plugins: data is not type-checked at run time.
    except (TypeError, ValueError, RecursionError) as error:
        return describe(error)
    return None
