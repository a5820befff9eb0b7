"""The details of a verifier: the facts that all have in common, and JSON that is bounded and has only values that JSON has."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pyratify.core.isolation import describe
from pyratify.core.text import bounded
from pyratify.core.verifier import Details

MAX_DETAIL = 32 * 1024
"""Characters of JSON that one verifier may report on one artifact; a longer text is replaced by its length."""

_MAX_TIME = 40


def common_facts(
    signer: str, *, issuer: str = "", root: str = "", signed_at: datetime | None = None
) -> dict[str, str]:
    """Return the facts that every verifier names alike in `Details.data`, for reports and policies; empty ones are left out.

    Args:
        signer: For people: the identity that a certificate names, or the fingerprint of a key.
        issuer: What vouches for that identity: the issuer of the certificate, or of the OpenID Connect token.
        root: The trusted certificate that the chain ends at.
        signed_at: When it was signed (aware): a time that is proved before one that the signer states in what is signed, never one
            that is not signed. Rules that ask for the newest evidence compare it.
    """
    created = "" if signed_at is None else signed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = {"signer": signer, "issuer": issuer, "root": root, "createdAt": created}
    return {name: value for name, value in facts.items() if value}


def created_at(facts: Mapping[str, Any]) -> datetime | None:
    """Return the time in `createdAt`, as RFC 3339 writes it; None where there is none or it is no such time."""
    text = facts.get("createdAt")
    # Bounded, and with its offset: a time without one could be any of 26 hours.
    if not isinstance(text, str) or len(text) > _MAX_TIME or text[10:11] != "T":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


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
