"""Access tokens, as identity services give them for an identity."""

from dataclasses import field
from datetime import datetime
from typing import TypeGuard

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token; its `repr` does not contain it.

    Attributes:
        value: The token.
        expires: Its end (aware).
    """

    value: str = field(repr=False)
    expires: datetime


def is_token(value: object) -> TypeGuard[str]:
    """Return whether a value can be sent as a token: at least one character, all of them printable ASCII."""
    # It becomes a header field or a member of a form, which a line break would end.
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""
