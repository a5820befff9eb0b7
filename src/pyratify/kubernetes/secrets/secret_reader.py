"""Read the Secrets that an executor names, restricted to the namespaces it may name, and notice their changes."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Resources
from pyratify.core.reason import Reason

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api

MAX_SECRETS = 16
"""How many Secrets one NamespacedExecutor may name: each is read periodically, one after another."""
# Checked before they become parts of a path: `../` would name other objects, with the provider's rights.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """One Secret as it was read.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        version: Its `resourceVersion`.
        kind: Its type, as `kubernetes.io/tls`.
        data: Its entries, decoded.
    """

    namespace: str
    name: str
    version: str
    kind: str
    data: Mapping[str, bytes] = field(repr=False)

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"Secret {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class SecretReader:
    """Reads Secrets for one executor.

    Attributes:
        api: The API server.
        home: The namespace of Secrets that are named without one.
        tenant: Whether no other namespace may be named.
        used: The version of every Secret that was read, by namespace and name.
    """

    api: "Api"
    home: str
    tenant: bool
    used: dict[tuple[str, str], str] = field(default_factory=dict)

    def fresh(self) -> "SecretReader":
        """Return a reader with the same rights that has read nothing yet."""
        return SecretReader(self.api, self.home, self.tenant)

    async def read(self, name: str, namespace: str = "") -> Secret:
        """Return a Secret.

        Args:
            name: Its name.
            namespace: Its namespace; the reader's own when empty.

        Raises:
            ConfigurationError: It must not be named here, or `KEY_UNAVAILABLE`: it cannot be read.
        """
        # The API server checks the provider's rights, which exceed the tenant's.
        if self.tenant and namespace not in ("", self.home):
            raise ConfigurationError(
                f"a NamespacedExecutor may name Secrets of its own namespace only, which is {self.home}",
                path="namespace",
                remedy="Remove the namespace, and put the Secret into this one.",
            )
        where = namespace or self.home
        if not _NAMESPACE.fullmatch(where):
            raise ConfigurationError(f"{where[:80]!a} is not a valid name of a namespace", path="namespace")
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name[:80]!a} is not a valid name of a Secret", path="secret")
        if self.tenant and (where, name) not in self.used and len(self.used) >= MAX_SECRETS:
            raise ConfigurationError(
                f"a NamespacedExecutor may name at most {MAX_SECRETS} Secrets",
                path="secret",
                remedy="Put several keys into one Secret, or write several resources.",
            )
        found = _secret(where, name, await self._get(where, name))
        self.used[where, name] = found.version
        return found

    async def changed(self) -> bool:
        """Return whether a Secret that was read has changed; one that cannot be read now counts as unchanged."""
        from pyratify.kubernetes.client.api import ApiFault, object_path

        for (namespace, name), version in self.used.items():
            try:
                given = await self.api.get(object_path("v1", "secrets", name, namespace))
            except ApiFault as fault:
                if fault.is_missing:  # built again, so that the status says so
                    return True
                continue  # an outage of the API server must not end what works
            if _version(given) != version:
                return True
        return False

    async def _get(self, namespace: str, name: str) -> Mapping[str, Any]:
        from pyratify.kubernetes.client.api import ApiFault, object_path

        try:
            return await self.api.get(object_path("v1", "secrets", name, namespace))
        except ApiFault as fault:
            raise ConfigurationError(
                f"Secret {namespace}/{name} cannot be read: {fault.code or 'no answer'} {fault.reason}",
                path="secret",
                reason=Reason.KEY_UNAVAILABLE,
                remedy="Create it, and let the provider's service account get it.",
            ) from None


def _secret(namespace: str, name: str, given: Mapping[str, Any]) -> Secret:
    try:
        data = given.get("data") or {}
        found = {key: base64.b64decode(value, validate=True) for key, value in data.items()}
    except (AttributeError, TypeError, binascii.Error):
        raise ConfigurationError(f"Secret {namespace}/{name} is malformed", path="secret") from None
    return Secret(namespace, name, _version(given), str(given.get("type", "")), found)


def _version(given: Mapping[str, Any]) -> str:
    meta = given.get("metadata")
    return str(meta.get("resourceVersion")) if isinstance(meta, dict) else ""


@dataclass(frozen=True, slots=True)
class ClusterResources(BuildResources):
    """Services for plugins of a resource of a cluster.

    Attributes:
        secrets: Reads Secrets; None without an API server.
    """

    secrets: SecretReader | None = None


def reader_of(resources: Resources) -> SecretReader:
    """Return the reader of Secrets.

    Raises:
        ConfigurationError: The configuration is a file, which has none.
    """
    found = resources.secrets if isinstance(resources, ClusterResources) else None
    if found is None:
        raise ConfigurationError(
            "Secrets are for Executors of a cluster, and this configuration is a file",
            remedy="Mount the Secret and name its files, or convert the file: `ratify config convert`.",
        )
    return found
