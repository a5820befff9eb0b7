"""Access tokens, as identity services give them for an identity, and the tokens in files that they are exchanged for."""

from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TypeGuard

from pyratify.core.dataclass import dataclass
from pyratify.core.files import UnreadableFile, read_file

_MAX_BYTES = 64 * 1024


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


def read_token(path: Path) -> str:
    """Return the token in a file, without the white space around it.

    Raises:
        UnreadableFile: It cannot be read or is empty, or holds what no token has: nothing is to be sent then.
    """
    # Read for each exchange: what writes it, as the kubelet, replaces a token before its end.
    try:
        text = read_file(path, _MAX_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not is_token(text):
        raise UnreadableFile("holds no token", "Have a token written to it, which this process may read.")
    return text
