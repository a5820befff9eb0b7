"""Access tokens, as identity services give them for an identity, and the tokens in files that they are exchanged for."""

from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TypeGuard

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.reason import Reason

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


class IdentityError(Exception):
    """No token was had of an identity service.

    Attributes:
        refused: Whether it refused, or this machine has no identity that it could be asked with; otherwise another try may help.
        answered: Whether it answered at all.
    """

    def __init__(self, message: str, *, refused: bool, answered: bool = True) -> None:
        super().__init__(message)
        self.refused = refused
        self.answered = answered

    @property
    def unanswered(self) -> bool:
        """Whether it withdraws nothing that was had before: what is wrong on this machine is no answer."""
        return not (self.refused and self.answered)


def no_credential(registry: str, error: Exception, *, refused: bool, remedy: str) -> StoreError:
    """Return the error for a registry for which a cloud gave no credential.

    Args:
        registry: The registry.
        error: Why there is none.
        refused: Whether the cloud refused, or there is no identity that it could be asked with: `REGISTRY_AUTH`, and otherwise
            `REGISTRY_ERROR`.
        remedy: What to do about it.
    """
    reason = Reason.REGISTRY_AUTH if refused else Reason.REGISTRY_ERROR
    return StoreError(reason, f"no credential for {registry}: {error}", remedy=remedy)


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
