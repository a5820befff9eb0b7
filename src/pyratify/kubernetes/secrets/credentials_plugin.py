"""The plugin `kubernetes` for credentials: image pull Secrets, by name or of a service account, or a user name and password."""

import msgspec

from pyratify.core.credential import ANONYMOUS, Credential, CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reason import Reason
from pyratify.core.scope import EVERYTHING
from pyratify.credentials.providers import StaticCredentials, static_credential
from pyratify.kubernetes.secrets.pull_secret import OLD_PULL, PULL, PullSecret, entries_for
from pyratify.kubernetes.secrets.secret_reader import Secret, reader_of

BASIC = "kubernetes.io/basic-auth"


class SecretCredentialOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Parameters of the provider.

    Attributes:
        secret: The name of a Secret of the type `kubernetes.io/dockerconfigjson` or `kubernetes.io/basic-auth`.
        service_account: A service account, in place of a Secret: its image pull Secrets, as kubelet uses them for its Pods.
        namespace: Its namespace: of a NamespacedExecutor always its own; of an Executor the provider's when omitted.
        registries: For a user name and password: the only hosts that may see them; those of the executor's scopes when
            omitted.
    """

    secret: str = ""
    service_account: str = ""
    namespace: str = ""
    registries: tuple[str, ...] = ()


class PullCredentials:
    """The entries of image pull Secrets, each for its registry or a part of it.

    Args:
        secrets: The Secrets, in order.
    """

    def __init__(self, *secrets: PullSecret) -> None:
        self._secrets = secrets

    async def credential(self, registry: str) -> Credential:
        """Return what is stored for a whole registry, or `ANONYMOUS`; errors as for a repository."""
        return await self.repository_credential(registry, "")

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return what is stored for a repository, the closest match in all Secrets as in kubelet, or `ANONYMOUS`.

        Raises:
            StoreError: `REGISTRY_AUTH`: the entry is malformed.
        """
        for secret, key in entries_for(self._secrets, registry, repository):
            found = secret.file.entry(key)
            if not found.is_anonymous:
                return found
        # Of those that have none the first: its note says which entries there are.
        return self._secrets[0].file.credential(registry, repository) if self._secrets else ANONYMOUS


async def build(name: str, options: SecretCredentialOptions, resources: Resources) -> CredentialProvider:
    """Build the provider from the Secret; when the Secret changes, the controller builds the executor again.

    Raises:
        ConfigurationError: The Secret must not be named here, cannot be read, or is of another type.
    """
    del name
    if bool(options.secret) is bool(options.service_account):
        raise ConfigurationError("exactly one of secret and serviceAccount is needed", path="secret")
    if options.service_account:
        secrets = await reader_of(resources).pull_secrets(options.service_account, options.namespace)
        return PullCredentials(*(_checked(each) for each in secrets if each.kind in (PULL, OLD_PULL)))
    secret = await reader_of(resources).read(options.secret, options.namespace)
    if secret.kind in (PULL, OLD_PULL):
        return PullCredentials(_checked(secret))
    if secret.kind != BASIC:
        raise ConfigurationError(
            f"{secret.title} is of the type {secret.kind!r}, and needs to be {PULL} or {BASIC}", path="secret"
        )
    registries = options.registries or tuple({scope.partition("/")[0] for scope in resources.scopes})
    # Any registry that an image names could then ask for the password with a 401.
    if EVERYTHING in registries:
        raise ConfigurationError(
            "the scopes cover every registry, and each would be shown this credential",
            path="registries",
            remedy="Name in registries the hosts that the credential is for.",
        )
    return StaticCredentials(_basic(secret), registries)


def _checked(secret: Secret) -> PullSecret:
    found = PullSecret.read(secret)
    file = found.file
    # A Secret must not choose programs that the provider runs.
    if file.helpers or file.store:
        raise ConfigurationError(
            f"{secret.title} names credential helpers, which are programs of the provider", path="secret"
        )
    if not file.auths:
        raise ConfigurationError(
            f"{secret.title} has no credential", path="secret", reason=Reason.KEY_UNAVAILABLE
        )
    return found


def _basic(secret: Secret) -> Credential:
    try:
        # Without line breaks, because `kubectl create secret --from-file` keeps those of text editors.
        username, password = (
            secret.data.get(name, b"").decode().rstrip("\r\n") for name in ("username", "password")
        )
    except UnicodeDecodeError:
        raise ConfigurationError(f"{secret.title} is not UTF-8", path="secret") from None
    if not password:
        raise ConfigurationError(
            f"{secret.title} has no password", path="secret", reason=Reason.KEY_UNAVAILABLE
        )
    return static_credential(username, password)


plugin: Plugin[CredentialProvider] = Plugin(
    options=SecretCredentialOptions, build=build, summary="An image pull Secret of the cluster"
)
