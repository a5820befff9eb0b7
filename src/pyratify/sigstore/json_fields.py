"""Strict readers of members of JSON documents; what is not expected is refused."""

from collections.abc import Collection
from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import decode_base64, decode_base64_lines


def document(
    data: bytes,
    where: str,
    max_bytes: int = strictjson.MAX_BYTES,
    max_tokens: int = strictjson.MAX_TOKENS,
) -> dict[str, Any]:
    """Parse a JSON object of untrusted origin, of at most so many bytes and tokens.

    Raises:
        VerificationError: With the JSON code.
    """
    try:
        return strictjson.load_object(data, what=where, max_bytes=max_bytes, max_tokens=max_tokens)
    except strictjson.InvalidJson as error:
        raise VerificationError(error.reason, error.message) from None


def members(value: Any, where: str, allowed: Collection[str]) -> dict[str, Any]:
    """Return the members that are set of an object that may have these and no others; null is unset.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    if not isinstance(value, dict):
        malformed(f"{where} is not an object")
    # Refused, not ignored: a member that another reader understands would mean something there.
    for name in value:
        if name not in allowed:
            malformed(f"{where} has an unknown member {name[:80]!r}")
    # protobuf's JSON mapping reads null as unset.
    return {name: member for name, member in value.items() if member is not None}


def only(value: dict[str, Any], where: str, choices: Collection[str]) -> str:
    """Return which of the choices is set; a `oneof` of protocol buffers.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`: none or several.
    """
    # Two members of a oneof: readers would take different ones.
    chosen = [name for name in choices if name in value]
    if len(chosen) != 1:
        malformed(f"{where} has {len(chosen)} of {', '.join(choices)}, not exactly one")
    return chosen[0]


def text(value: Any, where: str) -> str:
    """Return a string that is not empty.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    if not isinstance(value, str) or not value:
        malformed(f"{where} is not a text")
    return value


def octets(value: Any, where: str, *, lines: bool = False) -> bytes:
    """Return bytes, at least one, from canonical standard base64.

    Args:
        value: The text.
        where: What it is called.
        lines: Whether it may be broken into lines.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    decode = decode_base64_lines if lines else decode_base64
    try:
        decoded = decode(text(value, where))
    except ValueError:
        malformed(f"{where} is not base64")
    return decoded or malformed(f"{where} is empty")


def items(value: Any, where: str, limit: int) -> list[Any]:
    """Return a list that is not longer than the limit; unset is empty.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`, or `PARSE_LIMIT` for a list that is too long.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        malformed(f"{where} is not a list")
    if len(value) > limit:
        raise VerificationError(
            Reason.PARSE_LIMIT, f"{where} has {len(value)} entries, more than the {limit} allowed"
        )
    return value


def malformed(message: str) -> NoReturn:
    """Refuse what does not follow its format.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    raise VerificationError(Reason.ENVELOPE_MALFORMED, message)
