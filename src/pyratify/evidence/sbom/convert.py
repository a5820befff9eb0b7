"""Values of a document as structs; what is missing or of another type is named by its place."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn, TypeVar

import msgspec

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.times import InvalidTime, parse_rfc3339

T = TypeVar("T")


def convert(value: object, kind: type[T], what: str, where: str = "") -> T:
    """Convert a JSON value; unknown keys are ignored and nothing is coerced.

    Args:
        value: The value.
        kind: A struct.
        what: The name of the format.
        where: The place of the value in the document.

    Raises:
        VerificationError: `SBOM_INVALID`.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        # msgspec has the place in its message alone, not as an attribute.
        message, _, place = str(error).partition(" - at `$")
        place = f"{where}{place.rstrip('`')}".lstrip(".")
        malformed(what, f"{message.replace('`', '')}{f', at {place}' if place else ''}")


def convert_all(values: Sequence[object], kind: type[T], what: str, where: str) -> list[T]:
    """Convert a list; arguments and errors as in `convert`, with the index of what is wrong."""
    try:
        return msgspec.convert(values, list[kind], strict=True)  # type: ignore[valid-type]
    except msgspec.ValidationError:
        # msgspec does not name the index; one by one is slower and only needed for the message.
        return [convert(value, kind, what, f"{where}[{index}]") for index, value in enumerate(values)]


def malformed(what: str, message: str) -> NoReturn:
    """Refuse a document that does not follow its format.

    Raises:
        VerificationError: `SBOM_INVALID`.
    """
    raise VerificationError(Reason.SBOM_INVALID, f"malformed {what}: {message}")


def read_time(text: str, what: str, where: str) -> datetime:
    """Return a time of the document.

    Raises:
        VerificationError: `TIME_INVALID`.
    """
    try:
        return parse_rfc3339(text)
    except InvalidTime as error:
        raise VerificationError(
            Reason.TIME_INVALID,
            f"{where} of the {what} document is {error}",
            remedy="Ask the publisher for an SBOM with a time as RFC 3339 writes it: 2026-06-01T12:00:00Z.",
        ) from None
