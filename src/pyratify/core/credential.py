"""The interface between stores and sources of credentials."""

from dataclasses import field
from datetime import datetime
from typing import Protocol, runtime_checkable

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential for a registry; its `repr` contains no secrets.

    Attributes:
        username: Empty where there is only a token.
        password: The password.
        identity_token: An OAuth2 refresh token, exchanged at the registry's token server.
        registry_token: A bearer token, used as it is.
        note: Where it was found, or why none was, for messages.
        expires: The moment from which the registry no longer accepts it (aware); None where that is not known. One that
            expires is asked for again before its end, and when a registry refuses it.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    note: str = field(default="", compare=False)  # no part of what it is
    expires: datetime | None = field(default=None, compare=False)  # nor of what a token was issued for

    @property
    def is_anonymous(self) -> bool:
        """Whether it holds no user name and no secret."""
        return not (self.username or self.password or self.identity_token or self.registry_token)


ANONYMOUS = Credential()


class CredentialProvider(Protocol):
    """A source of credentials."""

    async def credential(self, registry: str) -> Credential:
        """Return the credential for exactly this canonical registry (host and port); `ANONYMOUS` when there is none.

        Raises:
            StoreError: `REGISTRY_AUTH` or `CREDENTIAL_SCOPE`: the source failed or must not be used for this registry.
        """
        ...


@runtime_checkable
class RepositoryCredentialProvider(CredentialProvider, Protocol):
    """A source that may have a credential of its own for a repository."""

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return the credential for a repository of a canonical registry; `ANONYMOUS` when there is none.

        Raises:
            StoreError: As `CredentialProvider.credential`.
        """
        ...


async def credential_for(provider: CredentialProvider, registry: str, repository: str) -> Credential:
    """Return a provider's credential for a repository, or for the whole registry where it has none of its own.

    Raises:
        StoreError: As `CredentialProvider.credential`.
    """
    if repository and isinstance(provider, RepositoryCredentialProvider):
        return await provider.repository_credential(registry, repository)
    return await provider.credential(registry)


@runtime_checkable
class ExchangingCredentialProvider(CredentialProvider, Protocol):
    """A source that exchanges an identity for credentials that expire."""

    def drop(self, registry: str, credential: Credential) -> None:
        """Forget a credential that the registry refused; the next question for one exchanges the identity again.

        A credential that has been replaced meanwhile is none of its business. An implementation must bound how often a
        registry that refuses everything can cause an exchange.
        """
        ...
