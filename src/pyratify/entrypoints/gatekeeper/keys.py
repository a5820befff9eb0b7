"""Keys of requests: `reference` or `[namespace]reference`."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.render.plain import clean

MAX_KEY = 5120
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


class Namespaces(StrEnum):
    """Whether keys begin with a namespace; whoever writes the constraint template knows."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    DISABLED = "disabled"


class InvalidKey(RatifyError, ValueError):
    """A key that is not spelled as it must be."""


@dataclass(frozen=True, slots=True)
class Key:
    """What one key asks about.

    Attributes:
        namespace: The namespace of whoever asks; empty for none.
        text: The reference as it was spelled.
        reference: The reference.
    """

    namespace: str
    text: str
    reference: Reference


def parse_key(key: str, namespaces: Namespaces) -> Key:
    """Parse a key; a prefix is taken off exactly once.

    Raises:
        InvalidKey: `KEY_INVALID`: a prefix that is missing, not allowed, or no name of a namespace (RFC 1123).
        InvalidReference: `REF_INVALID`: what follows is no reference.
    """
    namespace, text = "", key
    if namespaces is Namespaces.DISABLED and "[" in key:
        _refuse(key, "namespaces are not used here")
    if namespaces is not Namespaces.DISABLED and key.startswith("[") and "]" in key:
        namespace, _, text = key[1:].partition("]")
        if namespace and not _LABEL.fullmatch(namespace):
            _refuse(key, "what stands in brackets is not the name of a namespace")
    if namespaces is Namespaces.REQUIRED and not namespace:
        _refuse(key, "a namespace is required")
    return Key(namespace, text, Reference.parse(text))


def _refuse(key: str, why: str) -> None:
    raise InvalidKey(
        Reason.KEY_INVALID, f"{clean(key, 120)}: {why}", remedy="Write the key as [namespace]reference."
    )
