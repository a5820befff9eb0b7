"""The plugin `static`: one user name and password, or one token, from the configuration."""

import msgspec

from pyratify.core.credential import Credential, CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.scope import EVERYTHING
from pyratify.credentials.providers import StaticCredentials, static_credential


class StaticOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        username: The user's name; empty where the password is an identity (refresh) token.
        password: The password or token; both empty is anonymous.
        registries: The only hosts (or zones as `*.example.com`) that may see it; those of the executor's scopes when
            omitted.
    """

    username: str = ""
    password: str = ""
    registries: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the options without the password."""
        # msgspec's own repr would put the password into logs and tracebacks.
        return f"StaticOptions(username={self.username!r}, password=..., registries={self.registries!r})"


async def build(name: str, options: StaticOptions, resources: Resources) -> CredentialProvider:
    """Make the provider, bound to the registries that are named or that the executor covers.

    Raises:
        ConfigurationError: A registry that is none, or a credential that every registry of the world would see.
    """
    del name
    credential = static_credential(options.username, options.password)
    if options.registries:
        return _bound(credential, options.registries)
    # Any registry that an image names could then ask for the password with a 401.
    if EVERYTHING in resources.scopes and not credential.is_anonymous:
        raise ConfigurationError(
            "the scopes cover every registry, and each would be shown this credential",
            path="registries",
            remedy="Name in registries the hosts that the credential is for.",
        )
    if credential.is_anonymous:
        return StaticCredentials(credential)
    # A set, because several scopes may name one host.
    return _bound(credential, tuple({scope.partition("/")[0] for scope in resources.scopes}))


def _bound(credential: Credential, registries: tuple[str, ...]) -> CredentialProvider:
    try:
        return StaticCredentials(credential, registries)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path="registries", remedy=error.remedy) from None


plugin: Plugin[CredentialProvider] = Plugin(
    options=StaticOptions, build=build, summary="One user name and password, or one token"
)
