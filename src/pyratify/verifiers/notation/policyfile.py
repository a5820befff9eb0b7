"""Reading trust policy documents: every fault is refused, with the place where it stands."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.scope import EVERYTHING, check_scope
from pyratify.pki.names import Identity, InvalidName, parse_identity
from pyratify.verifiers.notation.policy import (
    LEVELS,
    SKIP_LEVEL,
    STORE_TYPES,
    Action,
    Check,
    StoreName,
    TrustPolicy,
    TrustPolicyDocument,
    VerifyTimestamp,
    repeated,
)

VERSION = "1.0"
ANYONE = "*"
_NAME = re.compile(r"[a-zA-Z0-9_.-]+", re.ASCII)
_POLICY_MEMBERS = ("name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities")


def parse_trust_policy(data: bytes, *, path: str = "trustPolicy") -> TrustPolicyDocument:
    """Read the bytes of a `trustpolicy.json`.

    Raises:
        ConfigurationError: Not JSON, or a fault of the document.
    """
    try:
        return read_trust_policy(strictjson.loads(data, what="trust policy"), path=path)
    except strictjson.InvalidJson as error:
        raise ConfigurationError(error.message, path=path, reason=Reason.CONFIG_INVALID) from None


def read_trust_policy(document: Any, *, path: str = "trustPolicy") -> TrustPolicyDocument:
    """Read a parsed document.

    Args:
        document: JSON values.
        path: Where the document stands, for messages.

    Raises:
        ConfigurationError: Any fault; its path names the member.
    """
    members = _object(document, path, ("version", "trustPolicies"))
    if members.get("version") != VERSION:
        raise ConfigurationError(f"the version must be {VERSION!r}", path=f"{path}.version")
    values = members.get("trustPolicies")
    where = f"{path}.trustPolicies"
    if not isinstance(values, list) or not values:
        raise ConfigurationError("it must be a list with at least one statement", path=where)
    policies = tuple(_policy(value, f"{where}[{index}]") for index, value in enumerate(values))
    twice = repeated([policy.name for policy in policies])
    if twice is not None:
        raise ConfigurationError(f"several statements have the name {twice!r}", path=where)
    twice = repeated([scope for policy in policies for scope in policy.scopes])
    if twice is not None:
        raise ConfigurationError(f"several statements have the registry scope {twice!r}", path=where)
    return TrustPolicyDocument(policies)


def short_trust_policy(
    *,
    identities: Sequence[str],
    stores: Sequence[str],
    scopes: Sequence[str] = (EVERYTHING,),
    level: str = "strict",
    name: str = "default",
) -> TrustPolicyDocument:
    """Make a document of one statement.

    Args:
        identities: As `x509.subject: C=US, ST=WA, O=example`, or `*` alone.
        stores: As `ca:name`.
        scopes: Repositories, or `*` alone.
        level: `strict`, `permissive` or `audit`.
        name: The statement's name.

    Raises:
        ConfigurationError: As for a document; paths begin with the member's own name.
    """
    policy = _read_policy(
        {
            "name": name,
            "registryScopes": list(scopes),
            "signatureVerification": {"level": level},
            "trustStores": list(stores),
            "trustedIdentities": list(identities),
        },
        "",
    )
    return TrustPolicyDocument((policy,))


def _policy(value: Any, path: str) -> TrustPolicy:
    return _read_policy(_object(value, path, _POLICY_MEMBERS), f"{path}.")


def _read_policy(members: Mapping[str, Any], prefix: str) -> TrustPolicy:
    name = members.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("a statement needs a name", path=f"{prefix}name")
    scopes = _scopes(_texts(members, "registryScopes", prefix), f"{prefix}registryScopes")
    verification, path = members.get("signatureVerification"), f"{prefix}signatureVerification"
    options = _object(verification, path, ("level", "override", "verifyTimestamp"))
    level = _choice(options.get("level"), tuple(LEVELS), f"{path}.level")
    actions = _actions(level, options.get("override"), f"{path}.override")
    moment = VerifyTimestamp(
        _choice(options.get("verifyTimestamp") or "always", tuple(VerifyTimestamp), f"{path}.verifyTimestamp")
    )
    stores = _texts(members, "trustStores", prefix)
    identities = _texts(members, "trustedIdentities", prefix)
    if level == SKIP_LEVEL:
        if stores or identities:
            raise ConfigurationError(
                f"the statement {name!r} skips verification and must not name trust stores or identities",
                path=f"{prefix}trustStores" if stores else f"{prefix}trustedIdentities",
            )
        return TrustPolicy(name, scopes, level, actions)
    return TrustPolicy(
        name,
        scopes,
        level,
        actions,
        _stores(stores, f"{prefix}trustStores"),
        _identities(identities, f"{prefix}trustedIdentities"),
        moment,
    )


def _scopes(scopes: tuple[str, ...], path: str) -> tuple[str, ...]:
    if not scopes:
        raise ConfigurationError("a statement needs at least one registry scope", path=path)
    if EVERYTHING in scopes and len(scopes) > 1:
        raise ConfigurationError("the scope '*' stands alone", path=path)
    twice = repeated(scopes)
    if twice is not None:
        raise ConfigurationError(f"the registry scope {twice!r} is given twice", path=path)
    for scope in scopes:
        if scope != EVERYTHING:
            _check_repository(scope, path)
    return scopes


def _check_repository(scope: str, path: str) -> None:
    if "/" not in scope or "*" in scope:
        raise ConfigurationError(
            f"the registry scope {scope!r} is not a whole repository",
            path=path,
            remedy="Write registry/repository in full, without tag, digest or wildcard, or '*' alone.",
        )
    try:
        check_scope(scope)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, path=path, remedy=error.remedy) from None


def _actions(level: str, override: Any, path: str) -> Mapping[Check, Action]:
    if override is None:
        return LEVELS[level]
    if level == SKIP_LEVEL:
        raise ConfigurationError("the level 'skip' cannot be overridden", path=path)
    allowed = tuple(check for check in Check if check is not Check.INTEGRITY)
    values = _object(override, path, allowed)
    actions = dict(LEVELS[level])
    for name, value in values.items():
        choices = tuple(a for a in Action if a is not Action.SKIP or name == Check.REVOCATION)
        actions[Check(name)] = Action(_choice(value, choices, f"{path}.{name}"))
    return MappingProxyType(actions)


def _stores(values: tuple[str, ...], path: str) -> tuple[StoreName, ...]:
    if not values:
        raise ConfigurationError("a statement needs at least one trust store", path=path)
    return tuple(_store(value, f"{path}[{index}]") for index, value in enumerate(values))


def _store(value: str, path: str) -> StoreName:
    kind, colon, name = value.partition(":")
    if not colon:
        raise ConfigurationError(f"{value!r} is not written as type:name", path=path)
    if kind not in STORE_TYPES:
        raise ConfigurationError(f"{kind!r} is none of the types {', '.join(STORE_TYPES)}", path=path)
    if not _NAME.fullmatch(name) or not name.strip("."):
        raise ConfigurationError(
            f"{name!r} is no name of a trust store: letters, digits and _.- only", path=path
        )
    return StoreName(kind, name)


def _identities(values: tuple[str, ...], path: str) -> tuple[Identity, ...] | None:
    if not values:
        raise ConfigurationError(
            "a statement needs trusted identities",
            path=path,
            remedy='Name the signers, as "x509.subject: C=US, ST=WA, O=example", or write ["*"] to trust every signer '
            "that the trust stores vouch for.",
        )
    if ANYONE in values:
        if len(values) > 1:
            raise ConfigurationError("the identity '*' stands alone", path=path)
        return None
    identities = tuple(_identity(value, f"{path}[{index}]") for index, value in enumerate(values))
    for index, identity in enumerate(identities):
        for other in identities[:index]:
            if identity.overlaps(other):
                raise ConfigurationError(
                    f"the identities {other.text!r} and {identity.text!r} overlap", path=path
                )
    return identities


def _identity(value: str, path: str) -> Identity:
    try:
        return parse_identity(value)
    except InvalidName as error:
        raise ConfigurationError(str(error), path=path) from None


def _object(value: Any, path: str, members: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError("it must be an object", path=path)
    for name in value:
        if name not in members:
            raise ConfigurationError(
                f"{name!r} is none of {', '.join(members)}", path=f"{path}.{name}" if path else str(name)
            )
    return value


def _texts(members: Mapping[str, Any], name: str, prefix: str) -> tuple[str, ...]:
    values = members.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigurationError("it must be a list of texts", path=f"{prefix}{name}")
    return tuple(values)


def _choice(value: Any, choices: Sequence[str], path: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ConfigurationError(f"it must be one of {', '.join(choices)}", path=path)
    return value
