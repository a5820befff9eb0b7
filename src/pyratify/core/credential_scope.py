"""Credentials that come with a question, as those of a Pod, and what may be remembered of the answers."""

from dataclasses import field

from pyratify.core.credential import (
    Credential,
    CredentialProvider,
    ExchangingCredentialProvider,
    credential_for,
)
from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """One source of credentials beside the configuration's own; what is read with it answers questions of an equal scope only.

    Attributes:
        identity: Names the source and its version, as data that is no secret: equal identities have equal credentials. Empty
            for the configuration's own credentials alone.
        provider: The source; None where the identity is empty.
    """

    identity: str = ""
    provider: CredentialProvider | None = field(default=None, repr=False, compare=False)

    def over(self, configured: CredentialProvider) -> CredentialProvider:
        """Return a provider that asks this source first, and the configured one where this has nothing."""
        return configured if self.provider is None else _Layered(self.provider, configured)


CONFIGURED = CredentialScope()
"""The credentials of the configuration alone, whose answers all questions of a namespace share."""


@dataclass(frozen=True, slots=True)
class _Layered:
    """Asks one provider, then another."""

    first: CredentialProvider
    then: CredentialProvider

    async def credential(self, registry: str) -> Credential:
        """Return the first credential for a whole registry, or `ANONYMOUS`; errors as in `CredentialProvider`."""
        return await self.repository_credential(registry, "")

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return the first credential for a repository, or `ANONYMOUS`; errors as in `CredentialProvider`."""
        found = await credential_for(self.first, registry, repository)
        return await credential_for(self.then, registry, repository) if found.is_anonymous else found

    def drop(self, registry: str, credential: Credential) -> None:
        """Forget a refused credential where it may be exchanged for another one."""
        for provider in (self.first, self.then):
            if isinstance(provider, ExchangingCredentialProvider):
                provider.drop(registry, credential)
