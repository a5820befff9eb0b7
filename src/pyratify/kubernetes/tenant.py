"""What a NamespacedExecutor may say: it is a tenant's text, read by a process that may do more than the tenant.

What is not known to be harmless is refused: files of the provider, credentials of the provider, programs, Secrets of other
namespaces, addresses that are not public, and bounds above the usual ones.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import fields

from pyratify.config.paths import join
from pyratify.config.resources import BuildResources
from pyratify.config.schema import REGISTRY, THRESHOLD, ExecutorConfig, LimitsConfig
from pyratify.core.credential import CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import CertificateProvider, KeyProvider
from pyratify.core.limits import MIB
from pyratify.kubernetes.secrets import ClusterResources

CREDENTIALS = ("anonymous", "kubernetes", "static")
KEYS = ("inline", "kubernetes")
MAX_CONCURRENCY = 16
MAX_EXECUTORS = 64
MAX_PARTS = 16
MAX_EXPRESSIONS = 32
MAX_INSTRUCTIONS = 16384
"""Of all expressions of a resource together; matching all of them against one signer takes less than 0.1 s."""
NOWHERE = Path("/dev/null/no-files-for-tenants")
_STORE_FILES = ("caFile", "clientCertFile", "clientKeyFile")
_COSIGN_FILES = ("fulcioCertificates", "rekorKeys", "ctLogKeys", "timestampCertificates")
_NOTATION_FILES = ("trustStore", "notationConfig", "plugins")
_ROOTS = ("public-good", "staging")
_EXPRESSIONS = ("certificateIdentityRegex", "certificateOIDCIssuerRegex")
_MAX_BYTES = {"maxBlobBytes": 32 * MIB, "maxManifestBytes": 4 * MIB}
_USUAL = LimitsConfig()

Check = Callable[[Mapping[str, Any], str], None]


def check_tenant(config: ExecutorConfig) -> None:
    """Refuse what a tenant must not say.

    Raises:
        ConfigurationError: With the path below the specification.
    """
    for name, parts in (("stores", config.stores), ("verifiers", config.verifiers)):
        if len(parts) > MAX_PARTS:
            raise _refused(name, f"a resource may have at most {MAX_PARTS}")
    for number, store in enumerate(config.stores):
        _typed(store.type, store.parameters, f"stores[{number}]", _STORES)
    for number, verifier in enumerate(config.verifiers):
        _typed(verifier.type, verifier.parameters, f"verifiers[{number}]", _VERIFIERS)
    if sum(_expressions(verifier.parameters) for verifier in config.verifiers) > MAX_EXPRESSIONS:
        raise _refused("verifiers", f"a resource may have at most {MAX_EXPRESSIONS} expressions")
    if config.policy_enforcer is not None:
        _typed(config.policy_enforcer.type, config.policy_enforcer.parameters, "policyEnforcer", _POLICIES)
    if config.concurrency > MAX_CONCURRENCY:
        raise _refused("concurrency", f"a namespace may have at most {MAX_CONCURRENCY}")
    for field in fields(LimitsConfig):
        usual = getattr(_USUAL, field.name)
        if getattr(config.limits, field.name) > usual:
            raise _refused(f"limits.{field.encode_name}", f"a namespace may have at most {usual}")


def _typed(kind: str, parameters: Mapping[str, Any], path: str, checks: Mapping[str, Check]) -> None:
    if kind not in checks:
        raise _refused(f"{path}.type", f"{kind!r} is not open to namespaces; {', '.join(checks)} is")
    checks[kind](parameters, f"{path}.parameters")


def _check_store(parameters: Mapping[str, Any], path: str) -> None:
    _refuse_given(parameters, _STORE_FILES, path)
    if parameters.get("authRealms"):
        raise _refused(
            f"{path}.authRealms",
            "token servers that the registry does not stand for are for the cluster to name",
        )
    for name, most in _MAX_BYTES.items():
        value = parameters.get(name)
        if isinstance(value, int) and value > most:
            raise _refused(f"{path}.{name}", f"a namespace may have at most {most}")
    credential = parameters.get("credential")
    if isinstance(credential, Mapping):
        _check_provider(credential.get("provider"), CREDENTIALS, f"{path}.credential.provider")


def _check_cosign(parameters: Mapping[str, Any], path: str) -> None:
    for where, policy in _each(parameters, "trustPolicies", path):
        _refuse_given(policy, _COSIGN_FILES, where)
        root = policy.get("trustedRoot")
        if root and root not in _ROOTS:
            raise _refused(f"{where}.trustedRoot", f"it names a file; {' and '.join(_ROOTS)} are open")
        keys = policy.get("keys")
        for name in keys if isinstance(keys, Mapping) else ():
            _check_provider(name, KEYS, f"{where}.keys.{name}")


def _expressions(parameters: Mapping[str, Any]) -> int:
    """Count the expressions of a cosign verifier: each takes time of everybody, when it is read and for every signer."""
    policies = [policy for _, policy in _each(parameters, "trustPolicies", "")]
    identities = [each for policy in policies for _, each in _each(policy, "identities", "")]
    return sum(bool(each.get(name)) for each in (*policies, *identities) for name in _EXPRESSIONS)


def _check_notation(parameters: Mapping[str, Any], path: str) -> None:
    _refuse_given(parameters, _NOTATION_FILES, path)
    if isinstance(parameters.get("trustPolicy"), str):
        raise _refused(f"{path}.trustPolicy", "it names a file")
    revocation = parameters.get("revocation")
    if isinstance(revocation, Mapping) and revocation.get("allowedHosts"):
        raise _refused(f"{path}.revocation.allowedHosts", "only public addresses are open to namespaces")
    for where, source in _each(parameters, "certificates", path):
        for name in source:
            if name not in ("type", "name"):
                _check_provider(name, KEYS, f"{where}.{name}")


def _check_threshold(parameters: Mapping[str, Any], path: str) -> None:
    del parameters, path


_STORES: Mapping[str, Check] = {REGISTRY: _check_store}
_VERIFIERS: Mapping[str, Check] = {"cosign": _check_cosign, "notation": _check_notation}
_POLICIES: Mapping[str, Check] = {THRESHOLD: _check_threshold}


def _each(parameters: Mapping[str, Any], name: str, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = parameters.get(name)
    for number, each in enumerate(found if isinstance(found, list | tuple) else ()):
        if isinstance(each, Mapping):
            yield f"{path}.{name}[{number}]", each


def _refuse_given(parameters: Mapping[str, Any], names: tuple[str, ...], path: str) -> None:
    for name in names:
        if parameters.get(name):
            raise _refused(f"{path}.{name}", "it names files of the provider")


def _check_provider(name: Any, allowed: tuple[str, ...], path: str) -> None:
    if name not in allowed:
        raise _refused(path, f"{str(name)[:80]!r} reads what belongs to the provider")


def _refused(path: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"not in a NamespacedExecutor: {why}",
        path=path,
        remedy="Write it out in the resource or name a Secret of its namespace, or let the cluster's administrator write an Executor.",
    )


@dataclass(frozen=True, slots=True)
class TenantResources(ClusterResources):
    """What plugins are lent while they are built for a namespace: providers of the provider's own are not among it."""

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """Build a key provider; errors as in `BuildResources`, and for one that is not open to namespaces."""
        for name in sources:
            _check_provider(name, KEYS, join(path, name))
        return await BuildResources.keys(self, sources, path)

    async def certificates(self, sources: Mapping[str, Any], path: str) -> CertificateProvider:
        """Build the certificates; errors as in `keys`."""
        for name in sources:
            _check_provider(name, KEYS, join(path, name))
        return await BuildResources.certificates(self, sources, path)

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> CredentialProvider:
        """Build the credential provider; errors as in `keys`."""
        if parameters is not None:
            _check_provider(parameters.get("provider"), CREDENTIALS, f"{path}.provider")
        return await BuildResources.credentials(self, parameters, path)
