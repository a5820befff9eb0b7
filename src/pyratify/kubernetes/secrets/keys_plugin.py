"""The plugin `kubernetes` for keys and certificates: those in a Secret."""

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reason import Reason
from pyratify.keys.documents import check_material
from pyratify.kubernetes.secrets.secret_reader import Secret, reader_of


class SecretKeyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        secret: The name of the Secret.
        namespace: Its namespace: of a NamespacedExecutor always its own; of an Executor the provider's when omitted.
        key: The only entry that counts; all of them when omitted.
    """

    secret: str
    namespace: str = ""
    key: str = ""


class SecretDocuments:
    """Keys and certificates of a Secret, as it was read.

    Args:
        secret: The Secret.
        key: The only entry that counts; all of them when empty.
    """

    def __init__(self, secret: Secret, key: str = "") -> None:
        self._secret = secret
        self._key = key

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each entry.

        Raises:
            ConfigurationError: There is none, one is empty, or one holds a private key.
        """
        secret = self._secret
        # Sorted, because every replica must compute the same fingerprint.
        names = (self._key,) if self._key else tuple(sorted(secret.data))
        if not names or not set(names) <= set(secret.data):
            raise ConfigurationError(
                f"{secret.title} has no entry {self._key!r}" if self._key else f"{secret.title} is empty",
                path="key" if self._key else "secret",
                reason=Reason.KEY_UNAVAILABLE,
            )
        return tuple(
            check_material(KeyMaterial(secret.data[name], f"{secret.title} {name}")) for name in names
        )

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each entry; errors as for the keys."""
        return await self.keys()


async def build(name: str, options: SecretKeyOptions, resources: Resources) -> SecretDocuments:
    """Build the provider from the Secret; when the Secret changes, the controller builds the executor again.

    Raises:
        ConfigurationError: The Secret must not be named here, cannot be read, or has nothing in it that can be used.
    """
    del name
    secret = await reader_of(resources).read(options.secret, options.namespace)
    documents = SecretDocuments(secret, options.key)
    await documents.keys()  # now, because an error at build time has the path of the parameter
    return documents


plugin: Plugin[SecretDocuments] = Plugin(
    options=SecretKeyOptions, build=build, summary="Keys and certificates in a Secret of the cluster"
)
