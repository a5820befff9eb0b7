"""Reading one statement of a trust policy; every error names the path of its member."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.pki.names import InvalidName, SubjectIdentity, has_other_prefix, parse_identity
from pyratify.verifiers.notation.trust_policy import (
    LEVELS,
    SKIP_LEVEL,
    STORE_TYPES,
    Action,
    Check,
    StoreName,
    TrustPolicy,
    VerifyTimestamp,
)

ANYONE = "*"
_NAME = re.compile(r"[a-zA-Z0-9_.-]+", re.ASCII)


def read_statement(members: Mapping[str, Any], prefix: str, scopes: tuple[str, ...] = ()) -> TrustPolicy:
    """Read what statements for images and for blobs have in common.

    Args:
        members: JSON values by name.
        prefix: Where the statement stands, with a dot at its end.
        scopes: Its scopes.

    Raises:
        ConfigurationError: Any fault; its path names the member.
    """
    name = members.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("a statement needs a name", path=f"{prefix}name")
    verification, path = members.get("signatureVerification"), f"{prefix}signatureVerification"
    options = checked_object(verification, path, ("level", "override", "verifyTimestamp"))
    level = _choice(options.get("level"), tuple(LEVELS), f"{path}.level")
    actions = _actions(level, options.get("override"), f"{path}.override")
    verify_timestamp = VerifyTimestamp(
        _choice(options.get("verifyTimestamp") or "always", tuple(VerifyTimestamp), f"{path}.verifyTimestamp")
    )
    stores = texts_of(members, "trustStores", prefix)
    identities = texts_of(members, "trustedIdentities", prefix)
    if level == SKIP_LEVEL:
        # As notation: they would suggest a verification that does not happen.
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
        verify_timestamp,
        tuple(filter(has_other_prefix, identities)),
    )


def _actions(level: str, override: Any, path: str) -> Mapping[Check, Action]:
    if override is None:
        return LEVELS[level]
    if level == SKIP_LEVEL:
        raise ConfigurationError("the level 'skip' cannot be overridden", path=path)
    # "Custom Verification Level": integrity cannot be overridden, and only revocation can be skipped.
    allowed = tuple(check for check in Check if check is not Check.INTEGRITY)
    values = checked_object(override, path, allowed)
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
        raise ConfigurationError(f"{kind!r} is not one of the types {', '.join(STORE_TYPES)}", path=path)
    # It becomes a folder's name: `..` would lead out of the trust store.
    if not _NAME.fullmatch(name) or not name.strip("."):
        raise ConfigurationError(
            f"{name!r} is no name of a trust store: letters, digits and _.- only", path=path
        )
    return StoreName(kind, name)


def _identities(values: tuple[str, ...], path: str) -> tuple[SubjectIdentity, ...] | None:
    if not values:
        raise ConfigurationError(
            "a statement needs trusted identities",
            path=path,
            remedy='Name the signers, as "x509.subject: C=US, ST=WA, O=example", or write ["*"] to trust every signer '
            "that the trust stores vouch for.",
        )
    if ANYONE in values:
        if len(values) > 1:  # "Trusted Identities Constraints"
            raise ConfigurationError("the identity '*' stands alone", path=path)
        return None
    identities = tuple(
        _identity(value, f"{path}[{index}]")
        for index, value in enumerate(values)
        if not has_other_prefix(value)  # a plugin's ("Trusted Identities Constraints")
    )
    for index, identity in enumerate(identities):
        for other in identities[:index]:
            # "Trusted Identities Constraints": a certificate must not match two of them.
            if identity.overlaps(other):
                raise ConfigurationError(
                    f"the identities {other.text!r} and {identity.text!r} overlap", path=path
                )
    return identities


def _identity(value: str, path: str) -> SubjectIdentity:
    try:
        return parse_identity(value)
    except InvalidName as error:
        raise ConfigurationError(str(error), path=path) from None


def checked_object(value: Any, path: str, members: Sequence[str]) -> Mapping[str, Any]:
    """Return an object that has none but these members.

    Raises:
        ConfigurationError: It is something else, or has another.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("it must be an object", path=path)
    for name in value:
        if name not in members:
            raise ConfigurationError(
                f"{name!r} is not one of {', '.join(members)}", path=f"{path}.{name}" if path else str(name)
            )
    return value


def texts_of(members: Mapping[str, Any], name: str, prefix: str) -> tuple[str, ...]:
    """Return a member that is a list of texts; empty where it is missing.

    Raises:
        ConfigurationError: It is something else.
    """
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
