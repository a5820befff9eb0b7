"""Read the Secrets that an executor or its service account names, in the namespaces it may name, and notice their changes."""

import base64
import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, overload

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Resources
from pyratify.core.reason import Reason

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api

MAX_SECRETS = 16
"""How many Secrets one NamespacedExecutor may name: each is read periodically, one after another."""
# Checked before they become parts of a path: `../` would name other objects, with the provider's rights.
NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """One Secret as it was read.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        version: Its `resourceVersion`; empty where the answer has none.
        kind: Its type, as `kubernetes.io/tls`.
        data: Its entries, decoded.
        uid: Its `uid`, which no other object ever has; empty where the answer has none.
    """

    namespace: str
    name: str
    version: str
    kind: str
    data: Mapping[str, bytes] = field(repr=False)
    uid: str = ""

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
        used: The version of every object that was read, by kind, namespace and name; empty where there was none.
    """

    api: "Api"
    home: str
    tenant: bool
    used: dict[tuple[str, str, str], str] = field(default_factory=dict)

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
        where = self._where(namespace)
        self._check(where, name, "secret")
        return decoded(where, name, await self._get("secrets", where, name, "secret"))

    async def pull_secrets(self, account: str, namespace: str = "") -> tuple[Secret, ...]:
        """Return the image pull Secrets of a service account, in its order; those that are missing are left out.

        As kubelet does for Pods that name none (Kubernetes, "Add ImagePullSecrets to a service account").

        Args:
            account: The service account.
            namespace: Its namespace; the reader's own when empty.

        Raises:
            ConfigurationError: It must not be named here, or `KEY_UNAVAILABLE`: it cannot be read.
        """
        where = self._where(namespace)
        self._check(where, account, "serviceAccount")
        given = await self._get("serviceaccounts", where, account, "serviceAccount")
        found = []
        for name in pull_secret_names(given):
            self._check(where, name, "serviceAccount")
            secret = await self._get("secrets", where, name, "serviceAccount", optional=True)
            if secret is not None:
                found.append(decoded(where, name, secret))
        return tuple(found)

    def _where(self, namespace: str) -> str:
        # The API server checks the provider's rights, which exceed the tenant's.
        if self.tenant and namespace not in ("", self.home):
            raise ConfigurationError(
                f"a NamespacedExecutor may name Secrets of its own namespace only, which is {self.home}",
                path="namespace",
                remedy="Remove the namespace, and put the Secret into this one.",
            )
        where = namespace or self.home
        if not NAMESPACE.fullmatch(where):
            raise ConfigurationError(f"{where[:80]!a} is not a valid name of a namespace", path="namespace")
        return where

    def _check(self, where: str, name: str, path: str) -> None:
        if not NAME.fullmatch(name):
            what = "a Secret" if path == "secret" else "an object"
            raise ConfigurationError(f"{name[:80]!a} is not a valid name of {what}", path=path)
        known = {(namespace, one) for _, namespace, one in self.used}
        if self.tenant and (where, name) not in known and len(self.used) >= MAX_SECRETS:
            raise ConfigurationError(
                f"a NamespacedExecutor may name at most {MAX_SECRETS} Secrets",
                path=path,
                remedy="Put several keys into one Secret, or write several resources.",
            )

    async def changed(self) -> bool:
        """Return whether a Secret that was read has changed; one that cannot be read now counts as unchanged."""
        from pyratify.kubernetes.client.api import ApiFault, object_path

        for (plural, namespace, name), version in self.used.items():
            try:
                given = await self.api.get(object_path("v1", plural, name, namespace))
            except ApiFault as fault:
                if fault.is_missing and version:  # built again, so that the status says so
                    return True
                continue  # an outage of the API server must not end what works
            if _version(given) != version:
                return True
        return False

    @overload
    async def _get(self, plural: str, where: str, name: str, path: str) -> Mapping[str, Any]: ...

    @overload
    async def _get(
        self, plural: str, where: str, name: str, path: str, *, optional: bool
    ) -> Mapping[str, Any] | None: ...

    async def _get(
        self, plural: str, where: str, name: str, path: str, *, optional: bool = False
    ) -> Mapping[str, Any] | None:
        from pyratify.kubernetes.client.api import ApiFault, object_path

        try:
            given = await self.api.get(object_path("v1", plural, name, where))
        except ApiFault as fault:
            if optional and fault.is_missing:
                self.used[plural, where, name] = ""  # so that its appearance is a change
                return None
            what = "Secret" if plural == "secrets" else "ServiceAccount"
            raise ConfigurationError(
                f"{what} {where}/{name} cannot be read: {fault.code or 'no answer'} {fault.reason}",
                path=path,
                reason=Reason.KEY_UNAVAILABLE,
                remedy="Create it, and let the provider's service account get it.",
            ) from None
        self.used[plural, where, name] = _version(given)
        return given


def pull_secret_names(account: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in `imagePullSecrets` of a service account or of the specification of a Pod, in order."""
    # Names alone (Kubernetes API, `LocalObjectReference`): always of the account's own namespace.
    listed = account.get("imagePullSecrets")
    listed = listed if isinstance(listed, list) else ()
    names = [each.get("name") if isinstance(each, Mapping) else None for each in listed]
    return tuple(name for name in names if isinstance(name, str))


def decoded(namespace: str, name: str, given: Mapping[str, Any]) -> Secret:
    """Return a Secret of the API server's answer.

    Raises:
        ConfigurationError: It is malformed.
    """
    try:
        data = given.get("data") or {}
        found = {key: base64.b64decode(value, validate=True) for key, value in data.items()}
    except (AttributeError, TypeError, ValueError):  # what is not even ASCII is no `binascii.Error`
        raise ConfigurationError(f"Secret {namespace}/{name} is malformed", path="secret") from None
    return Secret(
        namespace, name, _version(given), str(given.get("type", "")), found, _metadata(given, "uid")
    )


def _version(given: Mapping[str, Any]) -> str:
    return _metadata(given, "resourceVersion")


def _metadata(given: Mapping[str, Any], name: str) -> str:
    meta = given.get("metadata")
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""


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
