"""Keys of requests: `reference` or `[namespace]reference`; those of mutation are references only."""

import re
from enum import StrEnum
from ipaddress import IPv6Address
from typing import NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.render.plain import clean

MAX_KEY = 5120
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


class Namespaces(StrEnum):
    """Whether keys of verification begin with a namespace, as the constraint template writes them."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    DISABLED = "disabled"


class InvalidKey(RatifyError, ValueError):
    """A key that is not spelled as it must be."""


@dataclass(frozen=True, slots=True)
class Key:
    """What one key asks about.

    Attributes:
        namespace: The namespace of the object that is verified; empty for none, and always in mutation.
        text: The reference as it was spelled.
        reference: The reference.
    """

    namespace: str
    text: str
    reference: Reference


def parse_key(key: str, namespaces: Namespaces) -> Key:
    """Parse a key of verification; a prefix is taken off exactly once. Brackets that hold an IPv6 address belong to the reference.

    Raises:
        InvalidKey: `KEY_INVALID`: a prefix that is missing, not allowed, or no name of a namespace (RFC 1123).
        InvalidReference: `REF_INVALID`: what follows is no reference.
    """
    namespace, text = _split(key)
    # Not ignored: a template that writes it expects the namespace's own rules to decide.
    if namespaces is Namespaces.DISABLED and namespace is not None:
        _refuse(key, "namespaces are not used here", "Write the key as a reference.")
    if namespace and not _LABEL.fullmatch(namespace):
        _refuse(key, f"{namespace[:80]!a} is neither the name of a namespace nor an IPv6 address")
    # `[]image` counts as none: an empty name would choose the cluster's rules.
    if namespaces is Namespaces.REQUIRED and not namespace:
        _refuse(key, "a namespace is required")
    return Key(namespace or "", text, Reference.parse(text))


def parse_mutation_key(key: str) -> Key:
    """Parse a key of mutation: the text of an image as an object has it, which never names a namespace.

    Raises:
        InvalidReference: `REF_INVALID`: it is no reference.
    """
    return Key("", key, Reference.parse(key))


def _split(key: str) -> tuple[str | None, str]:
    """Return the prefix, None for none, and the rest."""
    # Once: `[a][b]image` must not name a second namespace behind the first.
    inner, closing, rest = key.removeprefix("[").partition("]")
    # `[::1]:5000/app` is a reference (RFC 3986, section 3.2.2), and no namespace has a colon.
    if not key.startswith("[") or not closing or _is_ipv6(inner):
        return None, key
    return inner, rest


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _refuse(key: str, why: str, remedy: str = "Write the key as [namespace]reference.") -> NoReturn:
    raise InvalidKey(Reason.KEY_INVALID, f"{clean(key, 120)}: {why}", remedy=remedy)
