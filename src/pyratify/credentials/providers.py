"""Credentials that need no source: none at all, and one that the configuration gives."""

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import ConfigurationError
from pyratify.credentials.host_patterns import HostPatterns


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
        self._registries = None if registries is None else HostPatterns(registries)

    async def credential(self, registry: str) -> Credential:
        """Return the credential where the registry is one of its own, else `ANONYMOUS`."""
        if self._registries is None or self._registries.match(registry):
            return self._credential
        return ANONYMOUS


def static_credential(username: str, password: str) -> Credential:
    """Return the credential of Ratify v2's `static`: without a user name, the password is an identity (refresh) token."""
    if not username:
        return Credential(identity_token=password)
    return Credential(username=username, password=password)
