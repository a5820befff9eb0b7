"""Keys of Docker's `config.json`: which of them is meant for a repository.

A key is a host, as Docker writes it, or a host with the beginning of a repository's path, as podman does
(containers-auth.json(5), "Format"). A host may have stars, each within one of its labels, as kubelet reads them
(Kubernetes, "Images", "Interpretation of config.json"). The longest match is meant, never a part of a name. A key with a
scheme is the address of a server; its path says less than one without, and Docker does not look at it.
"""

import re
from collections.abc import Iterable

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import DEFAULT_REGISTRY, canonical_registry, is_registry

# Docker Hub has kept the address of its first API as its key in every config.json.
HUB_KEY = "https://index.docker.io/v1/"
_API_PATHS = ("v1", "v2")
_STAR = "*"
_SEPARATOR = re.compile(r"([.:])", re.ASCII)
_PORT = re.compile(r":[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """What a key stands for.

    Attributes:
        host: A canonical registry, or one with stars in it.
        path: The components that the repository's path must begin with.
        is_address: Whether it is for the rest of the host as well, where nothing else is.
    """

    host: str
    path: tuple[str, ...] = ()
    is_address: bool = False

    def rank(self, registry: str, repository: str) -> tuple[bool, int, int] | None:
        """Return how closely it matches, greater is closer: an exact host, a longer path, fewer stars; None if not."""
        begins = tuple(repository.split("/"))[: len(self.path)] == self.path
        if not self.has_host(registry) or not (begins or self.is_address):
            return None
        return _STAR not in self.host, len(self.path) if begins else -1, len(self.host.replace(_STAR, ""))

    def has_host(self, registry: str) -> bool:
        """Return whether the registry is the host, or one that the stars stand for."""
        # Label by label: `*.example.com` must not send a secret to `a.b.example.com`.
        if _STAR not in self.host:
            return self.host == registry
        parts, given = _SEPARATOR.split(self.host), _SEPARATOR.split(registry)
        return len(parts) == len(given) and all(map(_has_stars_for, parts, given))


def parse_key(text: str) -> Key | None:
    """Return what a key stands for; None for what is neither a host nor the beginning of a repository's name."""
    scheme, found, rest = text.partition("://")
    # Another scheme is a key of another tool; a guess could send its secret to a registry.
    if found and scheme not in ("https", "http"):
        return None
    host, _, path = (rest if found else text).partition("/")
    components = tuple(path.split("/")) if path else ()
    if components[-1:] == ("",):  # `docker login` ends an address with a slash
        components = components[:-1]
    if components and components[0] in _API_PATHS:  # kubelet's rule: the API's own path says nothing
        components = components[1:]
    # `host//app` has no repository that it could be the beginning of.
    if "" in components:
        return None
    if _STAR in host:
        host = host.lower().removesuffix(":443")
        return Key(host, components, bool(found)) if is_registry(host.replace(_STAR, "x")) else None
    return Key(canonical_registry(host), components, bool(found)) if is_registry(host) else None


def server_address(registry: str) -> str:
    """Return how Docker names a canonical registry to its helpers."""
    return HUB_KEY if registry == DEFAULT_REGISTRY else registry


def closest(keys: Iterable[str], registry: str, repository: str) -> tuple[str, tuple[bool, int, int]] | None:
    """Return the key that is meant for a repository, with its rank; None where none is.

    Of keys that match alike, Docker's own spelling is meant, then the plain host, then the first.
    """
    best: tuple[str, tuple[bool, int, int]] | None = None
    listed = tuple(keys)
    # Ahead of the file's order: the result must not depend on how a JSON writer sorts.
    spelt = tuple(key for key in (server_address(registry), registry) if key in listed)
    for text in (*spelt, *listed):
        key = parse_key(text)
        rank = key.rank(registry, repository) if key else None
        # Strictly greater: at equal rank the first candidate stays, which makes the order above decide.
        if rank is not None and (best is None or rank > best[1]):
            best = text, rank
    return best


def others(keys: Iterable[str], registry: str) -> tuple[str, ...]:
    """Return the keys that name a registry and cover only a part of it, or are malformed."""
    host = _PORT.sub("", registry)
    parsed = ((text, parse_key(text)) for text in keys)
    return tuple(
        text
        for text, key in parsed
        if (key is None and host in text) or (key is not None and key.path and key.has_host(registry))
    )


def _has_stars_for(pattern: str, label: str) -> bool:
    """Return whether a label is what stars in a pattern stand for, each for any number of characters.

    The pieces between the stars are found from left to right, as early as possible, and no choice is ever taken back: a
    pull secret is a tenant's, and a regular expression with many stars would take exponential time.
    """
    first, *pieces = pattern.split(_STAR)
    if not pieces:
        return pattern == label
    last = pieces.pop()
    place, end = len(first), len(label) - len(last)
    # The overlap test: `ab*ba` must not match `aba`.
    if place > end or not (label.startswith(first) and label.endswith(last)):
        return False
    for piece in pieces:
        place = label.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True
