"""Docker's `config.json`, parsed: which credential or which helper is for a registry.

Registries are matched by their exact canonical host and port, never by a part of it.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import DEFAULT_REGISTRY, canonical_registry, is_registry

HUB_KEY = "https://index.docker.io/v1/"
_REMEDY = "Correct the file, or log in again with `docker login`."
_API_PATHS = ("", "v1", "v2")


@dataclass(frozen=True, slots=True)
class DockerFile:
    """The parts of a `config.json` that say who one is.

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

    def helper(self, registry: str) -> str:
        """Return the helper for a canonical registry; empty where the file itself is to be asked."""
        return next(_matching(self.helpers, registry), self.store)

    def credential(self, registry: str) -> Credential:
        """Return what the file itself holds for a canonical registry.

        Raises:
            StoreError: `REGISTRY_AUTH`: the entry is malformed.
        """
        entry = next(_matching(self.auths, registry), None)
        return ANONYMOUS if entry is None else _credential(entry, f"{self.origin}: the entry for {registry}")


def parse_docker_file(data: bytes, origin: str) -> DockerFile:
    """Parse a `config.json`; an empty one holds nothing.

    Raises:
        StoreError: `REGISTRY_AUTH`: it is malformed.
    """
    if not data.strip():
        return DockerFile(origin)
    try:
        document = strictjson.load_object(data, what=origin)
    except strictjson.InvalidJson as error:
        raise StoreError(Reason.REGISTRY_AUTH, error.message, remedy=_REMEDY) from None
    auths, helpers = _mapping(document, "auths", origin), _mapping(document, "credHelpers", origin)
    store = document.get("credsStore") or ""
    if not isinstance(store, str) or not all(isinstance(name, str) for name in helpers.values()):
        _refuse(f"{origin}: the name of a credential helper is no string")
    return DockerFile(origin, auths, helpers, store)


def server_address(registry: str) -> str:
    """Return how Docker names a canonical registry to its helpers."""
    return HUB_KEY if registry == DEFAULT_REGISTRY else registry


def _matching(entries: Mapping[str, Any], registry: str) -> Iterator[Any]:
    """Iterate over what is meant for the registry: the exact spelling first, then the others in the file's order."""
    for key in (server_address(registry), registry):
        if key in entries:
            yield entries[key]
    for key, entry in entries.items():
        if _registry_of(key) == registry:
            yield entry


def _registry_of(key: str) -> str | None:
    """Return the canonical registry that a key names; None for a key that names only a part of one."""
    scheme, found, rest = key.partition("://")
    host, _, path = (rest if found else key).partition("/")
    if found and scheme not in ("https", "http"):
        return None
    if not found and path.strip("/") not in _API_PATHS:
        return None  # podman's key for a single namespace
    return canonical_registry(host) if is_registry(host) else None


def _credential(entry: Any, where: str) -> Credential:
    if not isinstance(entry, dict):
        _refuse(f"{where} is no object")
    texts = {name: entry.get(name) or "" for name in _FIELDS}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong:
        _refuse(f"{where}: {wrong[0]} is no string")
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        username, password = _basic(texts["auth"], where)
    return Credential(username, password, texts["identitytoken"], texts["registrytoken"])


_FIELDS = ("auth", "username", "password", "identitytoken", "registrytoken")


def _basic(auth: str, where: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth.replace("\r", "").replace("\n", ""), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon or not username:
        _refuse(f"{where}: auth is not the base64 of user:password")
    return username, password.strip("\0")


def _mapping(document: Mapping[str, Any], name: str, origin: str) -> Mapping[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        _refuse(f"{origin}: {name} is no object")
    return value


def _refuse(message: str) -> NoReturn:
    raise StoreError(Reason.REGISTRY_AUTH, message, remedy=_REMEDY)
