"""Scopes: the repositories that a configuration covers."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pyratify.core.errors import ConfigurationError, InvalidReference
from pyratify.core.reference import Reference, canonical_registry, is_qualified, is_registry

T = TypeVar("T")
EVERYTHING = "*"
_ANY = "any"


class ScopeMap(Generic[T]):
    """Values by scope; the most specific scope decides.

    A scope is a repository (`ghcr.io/team/app`), a prefix of repositories (`ghcr.io/team/*`), a registry (`ghcr.io`),
    a zone (`*.azurecr.io`: exactly one label in place of the star) or `*` (everything else). In that order the first
    that matches decides; of several prefixes the longest. There is no implicit default.

    Args:
        entries: Pairs of scope and value.

    Raises:
        ConfigurationError: A scope that is malformed, not canonical (it would never match) or given twice.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        # A dictionary, as a match is then a look-up per candidate and not a comparison with every scope.
        self._values: dict[str, T] = {}
        for scope, value in entries:
            check_scope(scope)
            if scope in self._values:
                raise ConfigurationError(f"the scope {scope[:200]!a} is given twice")
            self._values[scope] = value

    def match(self, reference: Reference) -> T | None:
        """Return the value of the most specific scope that covers the reference, or None."""
        for scope in _candidates(reference):
            if scope in self._values:
                return self._values[scope]
        return None

    def __len__(self) -> int:
        """Return the number of scopes."""
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the scopes in the order given."""
        return iter(self._values)

    def values(self) -> tuple[T, ...]:
        """Return the values in the order given."""
        return tuple(self._values.values())


def _candidates(reference: Reference) -> Iterator[str]:
    # A path on disk is in no registry.
    if reference.is_layout:
        yield EVERYTHING
        return
    yield reference.name
    parts = reference.repository.split("/")
    for end in range(len(parts) - 1, 0, -1):
        yield f"{reference.registry}/{'/'.join(parts[:end])}/*"
    yield reference.registry
    _, dot, zone = reference.registry.partition(".")
    # One label only, as for wildcards in certificates (RFC 6125 6.4.3).
    if dot:
        yield f"*.{zone}"
    yield EVERYTHING


def check_scope(scope: str) -> None:
    """Refuse a scope that is malformed or could never match.

    Raises:
        ConfigurationError: With the canonical spelling where there is one.
    """
    canonical = canonical_scope(scope)
    if canonical is None:
        raise ConfigurationError(
            f"{scope[:200]!a} is not a scope",
            remedy="Write a repository, a prefix as host/team/*, a registry, a zone as *.example.com, or *.",
        )
    if canonical != scope:
        raise ConfigurationError(
            f"the scope {scope[:200]!a} would never match", remedy=f"Write {canonical!a}."
        )


def canonical_scope(scope: str) -> str | None:
    """Return how a scope is spelled where it can match, or None for what is none."""
    if scope == EVERYTHING:
        return scope
    return _canonical_zone(scope) if scope.startswith("*.") else _canonical_name(scope)


def _canonical_zone(scope: str) -> str | None:
    # Any label in place of the star: the rest follows the rules for registries.
    registry = _ANY + scope.removeprefix("*")
    canonical = canonical_registry(registry)
    return f"*{canonical.removeprefix(_ANY)}" if is_registry(registry) and is_qualified(canonical) else None


def _canonical_name(scope: str) -> str | None:
    """Return how a repository, a prefix or a registry is spelled in the references that it covers."""
    name = scope.removesuffix("/*")
    if is_registry(name) and is_qualified(canonical_registry(name)):
        return canonical_registry(name)
    try:
        if name == scope:
            return Reference.parse(name).name
        # Spelled as the repositories below it are: with `docker.io/` where that was left out.
        return Reference.parse(f"{name}/{_ANY}").name.removesuffix(_ANY) + EVERYTHING
    except InvalidReference:
        return None
