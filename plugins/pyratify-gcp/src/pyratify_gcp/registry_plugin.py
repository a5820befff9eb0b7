"""The plugin `gcp` of the kind credentials: Artifact Registry and Container Registry."""

import msgspec

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential, CredentialProvider
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import no_credential
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.credentials.host_patterns import narrowed
from pyratify_gcp.google_hosts import is_google
from pyratify_gcp.google_tokens import GoogleError, GoogleTokens

_UNANSWERED = (
    "Check that this process reaches Google's security token service and what its identity comes from."
)
_REMEDY = "Check the metadata server, the credential file or the workload identity; the identity needs roles/artifactregistry.reader."
_USER = "oauth2accesstoken"  # stands for an access token (Artifact Registry, authentication)


class RegistryOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        credentials_file: A credential file; what the environment has when omitted.
        registries: The only hosts of Google (or zones as `*.pkg.dev`) that a token is made for; every registry of Google when
            omitted, and never any other host.
    """

    credentials_file: str = ""
    registries: tuple[str, ...] = ()


class TokenExchange:
    """Makes credentials of access tokens.

    Args:
        tokens: Where tokens come from.
        clock: The time by which credentials expire.
    """

    def __init__(self, tokens: GoogleTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def exchange(self, registry: str) -> Credential:
        """Return the credential for a registry of Google.

        Raises:
            StoreError: `REGISTRY_AUTH` where there is no identity or a token that has expired, `REGISTRY_ERROR` where Google
                does not answer.
        """
        try:
            token = await self._tokens.token()
        except GoogleError as error:
            remedy = _REMEDY if error.refused else _UNANSWERED
            raise no_credential(registry, error, refused=error.refused, remedy=remedy) from None
        if token.expires <= self._clock.now():
            raise StoreError(Reason.REGISTRY_AUTH, f"Google sent a token for {registry} that has expired")
        return Credential(username=_USER, password=token.value, expires=token.expires, note="Google Cloud")


async def build(name: str, options: RegistryOptions, resources: Resources) -> CredentialProvider:
    """Make the provider.

    Raises:
        ConfigurationError: There is no such file, or a registry that is none.
    """
    del name
    file = resources.base / options.credentials_file if options.credentials_file else None
    # At start: found out with the first token, it would look like a fault of the registry.
    if file is not None and not file.is_file():
        raise ConfigurationError(f"there is no file {file}", path="credentialsFile")
    # Narrowed and never widened: no configuration shows a token to a host of another service.
    covers = narrowed(is_google, options.registries)
    exchange = TokenExchange(GoogleTokens(file), resources.clock)
    return ExchangedCredentials(covers, exchange.exchange, resources.clock)


plugin: Plugin[CredentialProvider] = Plugin(
    options=RegistryOptions,
    build=build,
    summary="Google Artifact Registry, by the metadata server or workload identity federation",
)
