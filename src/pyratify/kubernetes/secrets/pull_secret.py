"""An image pull Secret, and which of its credentials are tried for an image, in kubelet's order.

(Kubernetes, "Images", "Using a private registry" and "Interpretation of config.json".)
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field

from pyratify.core import strictjson
from pyratify.core.credential import Credential
from pyratify.core.credential_scope import CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reference import Reference
from pyratify.credentials.docker_config_keys import Key, parse_key
from pyratify.credentials.docker_file import DockerFile, parse_docker_file
from pyratify.kubernetes.secrets.secret_reader import Secret

PULL = "kubernetes.io/dockerconfigjson"
OLD_PULL = "kubernetes.io/dockercfg"
MAX_TRIED = 8
"""How many credentials are tried for one image, each with a request or three."""
_MAX_READ = 32  # malformed entries among them
_ENTRY, _OLD_ENTRY = ".dockerconfigjson", ".dockercfg"


def docker_file(secret: Secret, max_tokens: int) -> DockerFile:
    """Return what an image pull Secret holds; one without its entry holds nothing.

    Raises:
        ConfigurationError: It is malformed.
    """
    old = secret.data.get(_OLD_ENTRY, b"").strip() if secret.kind == OLD_PULL else b""
    # The older type has the entries alone.
    data = b'{"auths":' + old + b"}" if old else secret.data.get(_ENTRY, b"")
    try:
        return parse_docker_file(data, secret.title, max_tokens)
    except StoreError as error:
        raise ConfigurationError(error.message, path="secret", reason=error.reason) from None


@dataclass(frozen=True, slots=True)
class PullSecret:
    """An image pull Secret that a Pod names.

    Attributes:
        version: What identifies it and its content: namespace, name, `uid` and `resourceVersion`.
        file: Its entries.
        keys: What the entries' keys stand for; those that stand for nothing are left out.
    """

    version: tuple[str, ...]
    file: DockerFile
    keys: Mapping[str, Key] = field(repr=False)

    @property
    def title(self) -> str:
        """Its name in messages."""
        return self.file.origin

    @classmethod
    def read(cls, secret: Secret, max_tokens: int = strictjson.MAX_TOKENS) -> "PullSecret":
        """Read the entries; helpers are programs, which a Secret must not choose: they do not count, as in kubelet.

        Args:
            secret: The Secret.
            max_tokens: The most tokens of JSON that it may have.

        Raises:
            ConfigurationError: It is malformed, or of another type.
        """
        if secret.kind not in (PULL, OLD_PULL):
            raise ConfigurationError(
                f"{secret.title} is of the type {secret.kind[:80]!a}, and no image pull Secret"
            )
        file = docker_file(secret, max_tokens)
        parsed = ((text, parse_key(text)) for text in file.auths)
        version = (secret.namespace, secret.name, secret.uid, secret.version)
        return cls(version, file, {text: key for text, key in parsed if key is not None})


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a Secret, as a source of credentials for the hosts of its key, and for others where the Secret has more."""

    secret: PullSecret
    key: str

    async def credential(self, registry: str) -> Credential:
        """Return what is stored for a whole registry, or `ANONYMOUS`; errors as for a repository."""
        return await self.repository_credential(registry, "")

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return the entry where its key matches; for another host, as a mirror, what the Secret has for that host.

        Raises:
            StoreError: `REGISTRY_AUTH`: the entry is malformed.
        """
        if self.secret.keys[self.key].rank(registry, repository) is not None:
            return self.secret.file.entry(self.key)
        return self.secret.file.credential(registry, repository)


def entries_for(
    secrets: Iterable[PullSecret], registry: str, repository: str
) -> list[tuple[PullSecret, str]]:
    """Return the entries of some Secrets that are for a repository, by key, the closest match first.

    Of equal matches those of the first Secret come first.
    """
    ranked = [
        (rank, secret, text)
        for secret in secrets
        for text, key in secret.keys.items()
        if (rank := key.rank(registry, repository)) is not None
    ]
    ranked.sort(key=lambda match: match[0], reverse=True)  # stable: equal matches keep the Secrets' order
    return [(secret, text) for _, secret, text in ranked]


def scopes_for(
    secrets: Iterable[PullSecret], reference: Reference
) -> tuple[tuple[CredentialScope, ...], tuple[str, ...]]:
    """Return the credentials of some Secrets that are for a reference, the closest match first, and which entries are malformed.

    What is stored twice is tried once.
    """
    entries = entries_for(secrets, reference.registry, reference.repository)
    found: dict[Credential, CredentialScope] = {}
    malformed = []
    for secret, text in entries[:_MAX_READ]:
        if len(found) == MAX_TRIED:
            break
        try:
            credential = secret.file.entry(text)
        except StoreError as error:
            malformed.append(error.message)
            continue
        if not credential.is_anonymous:
            found.setdefault(credential, CredentialScope(_identity(secret, text), _Entry(secret, text)))
    return tuple(found.values()), tuple(malformed)


def _identity(secret: PullSecret, key: str) -> str:
    # Hashed because a key may be long; as JSON because no part may be taken for another.
    return hashlib.sha256(json.dumps([*secret.version, key]).encode()).hexdigest()
