"""Credentials that need no source: none at all, and one that the configuration gives."""

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import canonical_registry, is_registry

_ZONE = "*."


class AnonymousCredentials:
    """Reads every registry anonymously."""

    async def credential(self, registry: str) -> Credential:
        """Return `ANONYMOUS`."""
        del registry
        return ANONYMOUS


class StaticCredentials:
    """One credential for some registries; every other one is read anonymously.

    Args:
        credential: The credential.
        registries: Hosts with their ports, or zones as `*.example.com` for exactly one label in place of the star;
            None for every registry that asks.

    Raises:
        ConfigurationError: A registry that is none, or an empty list.
    """

    def __init__(self, credential: Credential, registries: tuple[str, ...] | None = None) -> None:
        # None means every registry; an empty list must not be taken for that by a falsy test.
        if registries is not None and not registries:
            raise ConfigurationError("the list of registries is empty")
        self._credential = credential
        self._registries = None if registries is None else frozenset(map(_canonical, registries))

    async def credential(self, registry: str) -> Credential:
        """Return the credential where the registry is one of its own, else `ANONYMOUS`."""
        # One look-up for each spelling, no pattern matching: a secret is never sent by a near match.
        if self._registries is None or self._registries & {registry, _zone(registry)}:
            return self._credential
        return ANONYMOUS


def static_credential(username: str, password: str) -> Credential:
    """Return the credential of Ratify v2's `static`: without a user name, the password is an identity (refresh) token."""
    if not username:
        return Credential(identity_token=password)
    return Credential(username=username, password=password)


def _canonical(pattern: str) -> str:
    host = pattern.removeprefix(_ZONE)
    if not is_registry(host):
        raise ConfigurationError(
            f"{pattern[:80]!r} is no registry's host",
            remedy="Write a host as ghcr.io or a zone as *.example.com.",
        )
    return f"{_ZONE}{host.lower()}" if pattern != host else canonical_registry(host)


def _zone(registry: str) -> str:
    # Exactly one label, as in wildcard certificates (RFC 9525, section 6.3).
    return f"{_ZONE}{registry.partition('.')[2]}"
