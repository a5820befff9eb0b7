"""What every provider of credentials, keys and certificates has to do.

An author inherits the contract in a test module and gives it a fixture `case`, as in `pyratify.testing.contracts`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field

from pyratify.core.credential import Credential, CredentialProvider
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.testing.checks import error_of, must


@dataclass(frozen=True, slots=True)
class CredentialCase:
    """A credential provider that knows one registry.

    Attributes:
        provider: The provider.
        registry: The registry, canonical, without a port.
        credential: What it must give for the registry.
    """

    provider: CredentialProvider
    registry: str
    credential: Credential


class CredentialContract:
    """The contract of credential providers; needs a fixture `case` that gives a `CredentialCase`."""

    async def test_the_registrys_own_credential_is_given(self, case: CredentialCase) -> None:
        """Each time the same, also when many ask at once."""
        # At once: a provider that caches must not hand one caller the half-made answer of another.
        given = await asyncio.gather(*(case.provider.credential(case.registry) for _ in range(4)))
        must(all(one == case.credential for one in given), "a registry gets its own credential")

    async def test_no_other_registry_gets_it(self, case: CredentialCase) -> None:
        """Names that contain the registry's, or are contained in it, and other ports are other registries."""
        host = case.registry
        # What a match by prefix, suffix or substring would let through, and so send a secret elsewhere.
        others = (
            f"evil.{host}",
            f"evil{host}",
            f"{host}.evil.example",
            f"{host}:8443",
            host[1:],
            "evil.example",
        )
        for other in others:
            must(await _nothing_for(case.provider, other), f"{other} is not shown what belongs to {host}")

    async def test_secrets_are_not_printed(self, case: CredentialCase) -> None:
        """Representations end up in logs."""
        given = await case.provider.credential(case.registry)
        secrets = (given.password, given.identity_token, given.registry_token)
        # The provider too: its options hold the secrets it was configured with.
        shown = f"{case.provider!r} {given!r}"
        must(not any(secret and secret in shown for secret in secrets), "no secret is in a representation")


async def _nothing_for(provider: CredentialProvider, registry: str) -> bool:
    try:
        return (await provider.credential(registry)).is_anonymous
    except StoreError as error:
        # To refuse is as good as to have none; a network fault would prove nothing.
        return error.reason in (Reason.CREDENTIAL_SCOPE, Reason.REGISTRY_AUTH)


@dataclass(frozen=True, slots=True)
class KeyCase:
    """A provider of keys or of certificates.

    Attributes:
        read: Its method `keys` or `certificates`.
        broken: The same of providers whose source is missing, empty or holds a private key, by what is wrong.
    """

    read: Callable[[], Awaitable[tuple[KeyMaterial, ...]]]
    broken: Mapping[str, Callable[[], Awaitable[tuple[KeyMaterial, ...]]]] = field(default_factory=dict)


class KeyContract:
    """The contract of key and certificate providers; needs a fixture `case` that gives a `KeyCase`."""

    async def test_there_is_at_least_one_document(self, case: KeyCase) -> None:
        """Each has content and says where it comes from; all are the same when asked again."""
        material = await case.read()
        must(isinstance(material, tuple) and len(material) > 0, "there is at least one document")
        must(all(one.data.strip() and one.origin for one in material), "each has content and an origin")
        must(await case.read() == material, "asked again, they are the same")

    async def test_no_private_key_is_handed_out(self, case: KeyCase) -> None:
        """Verification never needs one."""
        private = any(b"PRIVATE KEY" in one.data for one in await case.read())
        must(not private, "no private key is handed out")

    async def test_a_broken_source_is_an_error(self, case: KeyCase) -> None:
        """Never an empty set, which would look like nothing to check against."""
        must(bool(case.broken), "the case has broken sources")
        for what, read in case.broken.items():
            error = await error_of(read())
            must(isinstance(error, ConfigurationError), f"{what} is a ConfigurationError, not {error!r}")
