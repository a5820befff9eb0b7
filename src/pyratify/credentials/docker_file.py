"""Docker's `config.json`, parsed: which credential or which helper is for a repository."""

import base64
import binascii
import sys
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.credentials.docker_config_keys import closest, others

_REMEDY = "Correct the file, or log in again with `docker login`."
_SHOWN = 5  # a pull secret may have hundreds of entries
_HOST = (True, 0, sys.maxsize)  # entries for a part of a registry rank above it


@dataclass(frozen=True, slots=True)
class DockerFile:
    """The parts of a `config.json` that hold credentials.

    Attributes:
        origin: Where it comes from, for messages.
        auths: Entries by the key that Docker wrote; looked at only when they are asked for.
        helpers: Helpers for single registries.
        store: The helper for all others; empty where there is none.
    """

    origin: str
    auths: Mapping[str, Any] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def helper(self, registry: str, repository: str) -> str:
        """Return the helper for a repository of a canonical registry; empty where the file itself is to be asked.

        As in Docker, a helper that is named for the registry is asked rather than the file, unless an entry of the file
        matches more closely.
        """
        named = closest(self.helpers, registry, repository)
        entry = closest(self.auths, registry, repository)
        # At equal rank the helper: `docker login` leaves an empty entry in auths beside it.
        if named is not None and (entry is None or named[1] >= entry[1]):
            return self.helpers[named[0]]
        # credsStore has one entry a registry, so an entry for a part of the registry is closer than it.
        return "" if named is not None or (entry is not None and entry[1] > _HOST) else self.store

    def credential(self, registry: str, repository: str = "") -> Credential:
        """Return what the file itself holds for a repository of a canonical registry, and under which key.

        Raises:
            StoreError: `REGISTRY_AUTH`: the entry is malformed.
        """
        found = closest(self.auths, registry, repository)
        if found is None:
            return replace(ANONYMOUS, note=self._note(registry, repository))
        return self.entry(found[0])

    def entry(self, key: str) -> Credential:
        """Return what the file holds under a key of `auths`; errors as in `credential`."""
        # Parsed only now: one malformed entry must not break the access to all other registries.
        credential = _credential(self.auths[key], f"{self.origin}: the entry for {key[:200]}")
        return replace(credential, note=f"{key[:200]!r} in {self.origin}")

    def note_of_helper(self, helper: str, registry: str, repository: str) -> str:
        """Return the note for messages about a credential from a helper."""
        asked = f"docker-credential-{helper[:80]} was asked"
        found = closest(self.auths, registry, repository)
        if found is None or not self.auths[found[0]]:
            return asked
        return f"{asked}, and so {found[0][:200]!r} in {self.origin} is not looked at"

    def _note(self, registry: str, repository: str) -> str:
        """Return the note for messages where entries exist for the registry but none for the repository."""
        keys = others((*self.auths, *self.helpers), registry)
        if not keys:
            return ""
        more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        listed = ", ".join(repr(key[:200]) for key in keys[:_SHOWN])
        return f"of {self.origin} {listed}{more} is not for {registry}/{repository}".rstrip("/")


def parse_docker_file(data: bytes, origin: str, max_tokens: int = strictjson.MAX_TOKENS) -> DockerFile:
    """Parse a `config.json`; an empty one holds nothing.

    Args:
        data: The file.
        origin: Where it comes from, for messages.
        max_tokens: The most tokens of JSON.

    Raises:
        StoreError: `REGISTRY_AUTH`: it is malformed.
    """
    # An empty Secret is such a file, and Docker reads it as no login, too.
    if not data.strip():
        return DockerFile(origin)
    try:
        document = strictjson.load_object(data, what=origin, max_tokens=max_tokens)
    except strictjson.InvalidJson as error:
        raise StoreError(Reason.REGISTRY_AUTH, error.message, remedy=_REMEDY) from None
    auths, helpers = _mapping(document, "auths", origin), _mapping(document, "credHelpers", origin)
    store = document.get("credsStore") or ""
    if not isinstance(store, str) or not all(isinstance(name, str) for name in helpers.values()):
        _refuse(f"{origin}: the name of a credential helper is no string")
    return DockerFile(origin, auths, helpers, store)


def _credential(entry: Any, where: str) -> Credential:
    if not isinstance(entry, dict):
        _refuse(f"{where} is no object")
    texts = {name: entry.get(name) or "" for name in _FIELDS}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong:
        _refuse(f"{where}: {wrong[0]} is no string")
    username, password = texts["username"], texts["password"]
    # Docker's own precedence: what `auth` holds replaces username and password beside it.
    if texts["auth"]:
        username, password = _basic(texts["auth"], where)
    return Credential(username, password, texts["identitytoken"], texts["registrytoken"])


_FIELDS = ("auth", "username", "password", "identitytoken", "registrytoken")


def _basic(auth: str, where: str) -> tuple[str, str]:
    try:
        # `base64` of coreutils breaks lines after 76 characters; every other stray character is an error.
        text = base64.b64decode(auth.replace("\r", "").replace("\n", ""), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon or not username:
        _refuse(f"{where}: auth is not the base64 of user:password")
    # Docker's decodeAuth trims NUL as well; without it the password would be another one.
    return username, password.strip("\0")


def _mapping(document: Mapping[str, Any], name: str, origin: str) -> Mapping[str, Any]:
    value = document.get(name) or {}  # null is what Go writes for a nil map
    if not isinstance(value, dict):
        _refuse(f"{origin}: {name} is no object")
    return value


def _refuse(message: str) -> NoReturn:
    raise StoreError(Reason.REGISTRY_AUTH, message, remedy=_REMEDY)
