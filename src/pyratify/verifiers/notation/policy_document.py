"""Reading trust policy documents; every error names the path of its member."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.scope import EVERYTHING, check_scope
from pyratify.verifiers.notation.policy_statement import checked_object, read_statement, texts_of
from pyratify.verifiers.notation.trust_policy import TrustPolicy, TrustPolicyDocument, repeated

VERSION = "1.0"
# Others are refused: a misspelled member would leave a policy that is laxer than it reads.
_POLICY_MEMBERS = ("name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities")


def parse_trust_policy(
    data: bytes, *, path: str = "trustPolicy", wildcards: bool = False
) -> TrustPolicyDocument:
    """Read the bytes of a `trustpolicy.json`.

    Raises:
        ConfigurationError: Not JSON, or a fault of the document.
    """
    return read_trust_policy(load_document(data, path), path=path, wildcards=wildcards)


def load_document(data: bytes, path: str) -> Any:
    """Return the JSON values of a document.

    Raises:
        ConfigurationError: Not JSON.
    """
    try:
        return strictjson.loads(data, what="trust policy")  # of two members with one name, either could count
    except strictjson.InvalidJson as error:
        raise ConfigurationError(error.message, path=path, reason=Reason.CONFIG_INVALID) from None


def read_trust_policy(
    document: Any, *, path: str = "trustPolicy", wildcards: bool = False
) -> TrustPolicyDocument:
    """Read a parsed document.

    Args:
        document: JSON values.
        path: Where the document stands, for messages.
        wildcards: Allow prefixes (`host/team/*`), registries and zones (`*.example.com`) as scopes, which notation
            refuses.

    Raises:
        ConfigurationError: Any fault; its path names the member.
    """
    where = f"{path}.trustPolicies"
    policies = tuple(
        _read_policy(members, f"{at}.", wildcards=wildcards)
        for at, members in read_statements(document, path, _POLICY_MEMBERS)
    )
    check_names(policies, where)
    # "Selecting a trust policy": one at most is applicable, so that their order means nothing.
    twice = repeated([scope for policy in policies for scope in policy.scopes])
    if twice is not None:
        raise ConfigurationError(f"several statements have the registry scope {twice!r}", path=where)
    return TrustPolicyDocument(policies)


def read_statements(
    document: Any, path: str, members: Sequence[str]
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return the statements of a document with the places where they stand.

    Args:
        document: JSON values.
        path: Where the document stands.
        members: What a statement may have.

    Raises:
        ConfigurationError: Another version, no statement, or a member that no statement has.
    """
    found = checked_object(document, path, ("version", "trustPolicies"))
    if found.get("version") != VERSION:
        raise ConfigurationError(f"the version must be {VERSION!r}", path=f"{path}.version")
    values = found.get("trustPolicies")
    where = f"{path}.trustPolicies"
    if not isinstance(values, list) or not values:
        raise ConfigurationError("it must be a list with at least one statement", path=where)
    places = [(f"{where}[{index}]", value) for index, value in enumerate(values)]
    return tuple((place, checked_object(value, place, members)) for place, value in places)


def check_names(policies: tuple[TrustPolicy, ...], path: str) -> None:
    """Check that every statement has a name of its own.

    Raises:
        ConfigurationError: Several have the same.
    """
    twice = repeated([policy.name for policy in policies])
    if twice is not None:
        raise ConfigurationError(f"several statements have the name {twice!r}", path=path)


def short_trust_policy(
    *,
    identities: Sequence[str],
    stores: Sequence[str],
    scopes: Sequence[str] = (EVERYTHING,),
    level: str = "strict",
    name: str = "default",
    wildcards: bool = False,
) -> TrustPolicyDocument:
    """Make a document of one statement.

    Args:
        identities: As `x509.subject: C=US, ST=WA, O=example`, or `*` alone.
        stores: As `ca:name`.
        scopes: Repositories, or `*` alone.
        level: `strict`, `permissive` or `audit`.
        name: The statement's name.
        wildcards: Allow every kind of scope.

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
        wildcards=wildcards,
    )
    return TrustPolicyDocument((policy,))


def _read_policy(members: Mapping[str, Any], prefix: str, *, wildcards: bool = False) -> TrustPolicy:
    path = f"{prefix}registryScopes"
    scopes = _scopes(texts_of(members, "registryScopes", prefix), path, wildcards=wildcards)
    return read_statement(members, prefix, scopes)


def _scopes(scopes: tuple[str, ...], path: str, *, wildcards: bool) -> tuple[str, ...]:
    if not scopes:
        raise ConfigurationError("a statement needs at least one registry scope", path=path)
    if EVERYTHING in scopes and len(scopes) > 1:  # "OCI Trust Policy Constraints"
        raise ConfigurationError("the scope '*' stands alone", path=path)
    twice = repeated(scopes)
    if twice is not None:
        raise ConfigurationError(f"the registry scope {twice!r} is given twice", path=path)
    for scope in scopes:
        if scope != EVERYTHING:
            _check_scope(scope, path, wildcards=wildcards)
    return scopes


def _check_scope(scope: str, path: str, *, wildcards: bool) -> None:
    # "OCI Trust Policy Constraints": fully qualified repositories, and no expansion of short names.
    if not wildcards and ("/" not in scope or "*" in scope):
        raise ConfigurationError(
            f"the registry scope {scope!r} is not a whole repository",
            path=path,
            remedy="Write registry/repository in full, without tag, digest or wildcard, or '*' alone.",
        )
    try:
        check_scope(scope)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, path=path, remedy=error.remedy) from None
