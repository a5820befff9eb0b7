"""Reading trust policy documents for blobs: statements are selected by name, and one may be global.

Notary Project, trust-store-trust-policy.md, "Trust Policy", "Blob Trust Policy Constraints".
"""

from collections.abc import Sequence
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.verifiers.notation.policy_document import check_names, load_document, read_statements
from pyratify.verifiers.notation.policy_statement import read_statement
from pyratify.verifiers.notation.trust_policy import SKIP_LEVEL, BlobPolicyDocument

_MEMBERS = ("name", "signatureVerification", "trustStores", "trustedIdentities", "globalPolicy")
_GLOBAL = "globalPolicy"


def parse_blob_policy(data: bytes, *, path: str = "trustPolicy") -> BlobPolicyDocument:
    """Read the bytes of a `trustpolicy.blob.json`.

    Raises:
        ConfigurationError: Not JSON, or a fault of the document.
    """
    return read_blob_policy(load_document(data, path), path=path)


def read_blob_policy(document: Any, *, path: str = "trustPolicy") -> BlobPolicyDocument:
    """Read a parsed document.

    Args:
        document: JSON values.
        path: Where the document stands, for messages.

    Raises:
        ConfigurationError: Any fault, as several global statements, or a global one that skips verification.
    """
    found = read_statements(document, path, _MEMBERS)
    policies = tuple(read_statement(members, f"{at}.") for at, members in found)
    check_names(policies, f"{path}.trustPolicies")
    everything = None
    for policy, (at, members) in zip(policies, found, strict=True):
        if not _flag(members.get(_GLOBAL, False), f"{at}.{_GLOBAL}"):
            continue
        if everything is not None:  # "Blob Trust Policy Constraints"
            raise ConfigurationError("only one statement can be the global one", path=f"{at}.{_GLOBAL}")
        if policy.level == SKIP_LEVEL:  # "Blob Trust Policy Constraints"
            raise ConfigurationError(
                "the global statement must not skip verification", path=f"{at}.{_GLOBAL}"
            )
        everything = policy.name
    return BlobPolicyDocument(policies, everything)


def short_blob_policy(
    *, identities: Sequence[str], stores: Sequence[str], level: str = "strict", name: str = "default"
) -> BlobPolicyDocument:
    """Make a document of one statement, which is for everything.

    Args:
        identities: As `x509.subject: C=US, ST=WA, O=example`, or `*` alone.
        stores: As `ca:name`.
        level: `strict`, `permissive` or `audit`.
        name: The statement's name.

    Raises:
        ConfigurationError: As for a document; paths begin with the member's own name.
    """
    statement = {
        "name": name,
        "signatureVerification": {"level": level},
        "trustStores": list(stores),
        "trustedIdentities": list(identities),
    }
    # By the reader of documents, so that the short form cannot say what a document must not.
    policy = read_statement(statement, "")
    return BlobPolicyDocument((policy,), policy.name)


def _flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):  # the text "false" must not count as true
        raise ConfigurationError("it must be true or false", path=path)
    return value
