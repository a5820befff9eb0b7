"""Restrict NamespacedExecutors: a tenant writes them, and a process with more rights than the tenant reads them.

Allowed is only what is known to be harmless. Files, programs and credentials of the provider, Secrets of other namespaces, bounds
above the defaults and long times are refused. Addresses are checked when a connection is made, because a name may resolve to any
(`pyratify.core.addresses.Destinations`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import fields

from pyratify.config.locations import join
from pyratify.config.plugin_resources import BuildResources
from pyratify.config.schema import REGISTRY, THRESHOLD, ExecutorConfig, LimitsConfig
from pyratify.core.credential import CredentialProvider
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import CertificateProvider, KeyProvider
from pyratify.kubernetes.secrets.secret_reader import ClusterResources
from pyratify.stores.registry.registry_plugin import Options as StoreOptions

CREDENTIALS = ("anonymous", "kubernetes", "static")
KEYS = ("inline", "kubernetes")
MAX_CONCURRENCY = 16
MAX_EXECUTORS = 64
MAX_PARTS = 16
MAX_SCOPES = 128
"""Of the resource, and of all its stores: each of the one is compared with each of the other, on the event loop."""
MAX_POLICIES = 64
"""Trust policies of all verifiers together: building one takes 1 ms on the event loop."""
MAX_EXPRESSIONS = 32
MAX_INSTRUCTIONS = 4096
"""Of all expressions of a resource together; matching all of them against one signer takes 0.02 s at worst."""
MAX_MIRRORS = 8
MAX_ENTRIES = 256
"""Of each list of a verifier of SBOMs: every package is compared with every entry."""
NOWHERE = Path("/dev/null/no-files-for-tenants")
# Paths on the provider's disk, by which a tenant could use its credentials, or find out which files exist.
_STORE_FILES = ("caFile", "clientCertFile", "clientKeyFile")
_COSIGN_FILES = ("fulcioCertificates", "rekorKeys", "ctLogKeys", "timestampCertificates")
_NOTATION_FILES = ("trustStore", "notationConfig", "plugins")
_ROOTS = (
    "public-good",
    "staging",
    "github",
)  # built in, as `github:DOMAIN` is; every other value of `trustedRoot` is a path
_EXPRESSIONS = ("certificateIdentityRegex", "certificateOIDCIssuerRegex")
_MAX_SECONDS = {
    **dict.fromkeys(("timeout", "seconds", "delay", "interval", "wait", "backoff"), 60),
    **dict.fromkeys(("ttl", "lifetime"), 86400),
    "age": 366 * 86400,
}
"""The most seconds by the last word of a parameter's name: of waits, of cached entries, and of ages."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+", re.ASCII)
_USUAL = LimitsConfig()
_ADMINISTRATOR = "Remove it, or let the cluster's administrator write an Executor."
_SPLIT = "Split the resource into several, each with scopes of its own."

Check = Callable[[Mapping[str, Any], str], None]


def check_tenant(config: ExecutorConfig) -> None:
    """Refuse what a tenant must not configure.

    Raises:
        ConfigurationError: With the path below the specification.
    """
    _check_counts(config)
    for number, store in enumerate(config.stores):
        _check_times(store.parameters, f"stores[{number}].parameters")
        _typed(store.type, store.parameters, f"stores[{number}]", _STORES)
    for number, verifier in enumerate(config.verifiers):
        _check_times(verifier.parameters, f"verifiers[{number}].parameters")
        _typed(verifier.type, verifier.parameters, f"verifiers[{number}]", _VERIFIERS)
    if config.policy_enforcer is not None:
        _check_times(config.policy_enforcer.parameters, "policyEnforcer.parameters")
        _typed(config.policy_enforcer.type, config.policy_enforcer.parameters, "policyEnforcer", _POLICIES)
    _check_times({"timeout": config.timeout}, "")
    if config.concurrency > MAX_CONCURRENCY:
        raise _too_large("concurrency", MAX_CONCURRENCY)
    for field in fields(LimitsConfig):
        usual = getattr(_USUAL, field.name)
        if getattr(config.limits, field.name) > usual:  # lower is harmless; memory is shared
            raise _too_large(f"limits.{field.encode_name}", usual)


def _check_counts(config: ExecutorConfig) -> None:
    """Refuse more of anything than can be built within a moment: one process builds the resources of all tenants."""
    parameters = [verifier.parameters for verifier in config.verifiers]
    for path, count, most, what in (
        ("scopes", len(config.scopes), MAX_SCOPES, "scopes"),
        ("stores", len(config.stores), MAX_PARTS, "stores"),
        ("stores", sum(len(store.scopes) for store in config.stores), MAX_SCOPES, "scopes of stores"),
        ("verifiers", len(config.verifiers), MAX_PARTS, "verifiers"),
        ("verifiers", sum(map(_policies, parameters)), MAX_POLICIES, "trust policies"),
        ("verifiers", sum(map(_expressions, parameters)), MAX_EXPRESSIONS, "expressions"),
    ):
        if count > most:
            raise _rejected(path, f"a resource may have at most {most} {what}, not {count}", _SPLIT)


def _typed(kind: str, parameters: Mapping[str, Any], path: str, checks: Mapping[str, Check]) -> None:
    # Closed by default: a plugin that is added later stays refused until it has a check.
    if kind not in checks:
        raise _rejected(f"{path}.type", f"{kind!r} is not open to namespaces; {', '.join(checks)} is")
    checks[kind](parameters, f"{path}.parameters")


def _check_store(parameters: Mapping[str, Any], path: str) -> None:
    _reject_given(parameters, _STORE_FILES, path)
    if parameters.get("authRealms"):
        raise _rejected(
            f"{path}.authRealms",
            "a token server of another host may be named by an Executor only, because it is shown the credential",
        )
    mirrors = parameters.get("mirrors")
    if isinstance(mirrors, list | tuple) and len(mirrors) > MAX_MIRRORS:
        raise _rejected(
            f"{path}.mirrors",
            f"a namespace may have at most {MAX_MIRRORS}, because they are tried one after another",
        )
    for field in fields(StoreOptions):
        value, usual = parameters.get(field.encode_name), field.default
        # Times were checked by `_check_times`: a default may be shorter than what a tenant may use.
        if _is_time(field.encode_name) or not (_is_number(value) and _is_number(usual)):
            continue
        if not value <= usual:  # also for NaN, which compares as neither
            raise _too_large(f"{path}.{field.encode_name}", usual)
    credential = parameters.get("credential")
    if isinstance(credential, Mapping):
        _check_provider(credential.get("provider"), CREDENTIALS, f"{path}.credential.provider")


def _check_times(value: Any, path: str) -> None:
    """Refuse every number of seconds, at any depth, above the maximum for its name."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            most = _MAX_SECONDS.get(_last_word(str(name)))
            if most is not None and _is_number(item) and not item <= most:  # also for NaN
                raise _too_large(join(path, str(name)), f"{most} seconds")
            _check_times(item, join(path, str(name)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_times(item, f"{path}[{index}]")


def _is_time(name: str) -> bool:
    return _last_word(name) in _MAX_SECONDS


def _last_word(name: str) -> str:
    words = _WORD.findall(name)
    return words[-1].lower() if words else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)  # a bool is an int


def _check_cosign(parameters: Mapping[str, Any], path: str) -> None:
    for where, policy in _each(parameters, "trustPolicies", path):
        _reject_given(policy, _COSIGN_FILES, where)
        root = policy.get("trustedRoot")
        if root and root not in _ROOTS and not str(root).startswith("github:"):
            raise _rejected(f"{where}.trustedRoot", f"it names a file; {', '.join(_ROOTS)} are open")
        keys = policy.get("keys")
        for name in keys if isinstance(keys, Mapping) else ():
            _check_provider(name, KEYS, f"{where}.keys.{name}")


def _policies(parameters: Mapping[str, Any]) -> int:
    """Count the trust policies of a verifier: of cosign, or of Notation's document."""
    document = parameters.get("trustPolicy")
    own = document if isinstance(document, Mapping) else {}
    return sum(1 for each in (parameters, own) for _ in _each(each, "trustPolicies", ""))


def _expressions(parameters: Mapping[str, Any]) -> int:
    """Count the expressions of a cosign verifier: each takes CPU time that tenants share, once compiled and for every signer."""
    policies = [policy for _, policy in _each(parameters, "trustPolicies", "")]
    identities = [each for policy in policies for _, each in _each(policy, "identities", "")]
    return sum(bool(each.get(name)) for each in (*policies, *identities) for name in _EXPRESSIONS)


def _check_notation(parameters: Mapping[str, Any], path: str) -> None:
    _reject_given(parameters, _NOTATION_FILES, path)
    if isinstance(parameters.get("trustPolicy"), str):
        raise _rejected(
            f"{path}.trustPolicy", "it names a file", "Write the trust policy itself, as a mapping."
        )
    revocation = parameters.get("revocation")
    if isinstance(revocation, Mapping) and revocation.get("allowedHosts"):
        raise _rejected(f"{path}.revocation.allowedHosts", "only public addresses are open to namespaces")
    for where, source in _each(parameters, "certificates", path):
        for name in source:
            if name not in ("type", "name"):
                _check_provider(name, KEYS, f"{where}.{name}")


def _check_sbom(parameters: Mapping[str, Any], path: str) -> None:
    # Its rules name no file and no address; ranges and expressions are linear.
    for name, value in parameters.items():
        if isinstance(value, list | tuple) and len(value) > MAX_ENTRIES:
            raise _too_large(f"{path}.{name}", f"{MAX_ENTRIES} entries")


def _check_attestation(parameters: Mapping[str, Any], path: str) -> None:
    _check_cosign(parameters, path)
    _check_rules(parameters, path)
    for where, requirement in _each(parameters, "requirements", path):
        _check_rules(requirement, where)


def _check_rules(rules: Mapping[str, Any], path: str) -> None:
    # Closed by default, as plugins are: a rule that is added later may name files, or run expressions without a bound.
    for name, value in rules.items():
        if name not in _RULES:
            raise _rejected(f"{path}.{name}", f"{name!r} is not open to namespaces")
        _check_sbom(value if isinstance(value, Mapping) else {name: value}, path)


def _check_nothing(parameters: Mapping[str, Any], path: str) -> None:
    del parameters, path


_STORES: Mapping[str, Check] = {REGISTRY: _check_store}
_VERIFIERS: Mapping[str, Check] = {
    "cosign": _check_cosign,
    "attestation": _check_attestation,
    "slsa": _check_attestation,
    "notation": _check_notation,
    "sbom": _check_sbom,
    "licensechecker": _check_sbom,
}
_RULES = frozenset(
    {
        *("name", "trustPolicies", "predicateTypes", "requirements", "require", "anyContent"),
        *("provenance", "vsa", "tagMatchesRef", "sbom"),
        *("expectedVerifierId", "expectedResourceUri", "expectedVerifiedLevels"),
    }
)
# Pure functions of the reports, whose work is bounded when they are read.
_POLICIES: Mapping[str, Check] = dict.fromkeys((THRESHOLD, "any-all", "config-policy"), _check_nothing)


def _each(parameters: Mapping[str, Any], name: str, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = parameters.get(name)
    for number, each in enumerate(found if isinstance(found, list | tuple) else ()):
        if isinstance(each, Mapping):
            yield f"{path}.{name}[{number}]", each


def _reject_given(parameters: Mapping[str, Any], names: tuple[str, ...], path: str) -> None:
    for name in names:
        if parameters.get(name):
            remedy = "Write the certificates into caPem." if name == "caFile" else _ADMINISTRATOR
            raise _rejected(f"{path}.{name}", "it names files of the provider", remedy)


def _check_provider(name: Any, allowed: tuple[str, ...], path: str) -> None:
    if name not in allowed:
        remedy = f"Use one of {', '.join(allowed)}, or let the cluster's administrator write an Executor."
        raise _rejected(path, f"{str(name)[:80]!r} reads what belongs to the provider", remedy)


def _rejected(path: str, why: str, remedy: str = _ADMINISTRATOR) -> ConfigurationError:
    return ConfigurationError(f"not in a NamespacedExecutor: {why}", path=path, remedy=remedy)


def _too_large(path: str, most: object) -> ConfigurationError:
    why = f"a namespace may have at most {most}"
    return _rejected(path, why, "Lower it, or let the cluster's administrator write an Executor.")


@dataclass(frozen=True, slots=True)
class TenantResources(ClusterResources):
    """Services for plugins of a namespace: only providers of keys and credentials that are open to tenants."""

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
