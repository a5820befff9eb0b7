"""Trust policies for blobs are read as a whole; statements are chosen by name, or the global one."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.verifiers.notation.blob_policy_document import (
    parse_blob_policy,
    read_blob_policy,
    short_blob_policy,
)
from pyratify.verifiers.notation.trust_policy import StoreName


def statement(name: str = "one", **changes: Any) -> dict[str, Any]:
    """Return a good statement with some members changed; `...` takes one away."""
    members = {
        "name": name,
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Example"],
    }
    return {name: value for name, value in (members | changes).items() if value is not ...}


def document(*statements: Any) -> dict[str, Any]:
    """Return a document."""
    return {"version": "1.0", "trustPolicies": list(statements)}


def test_a_statement_is_chosen_by_its_whole_name_or_is_the_global_one() -> None:
    """A name that no statement has chooses nothing; it never falls back to the global statement."""
    policies = read_blob_policy(document(statement(), statement("all", globalPolicy=True)))
    chosen = [policies.select(name) for name in ("one", "all", None, "ONE", "", "on")]
    assert [policy and policy.name for policy in chosen] == ["one", "all", "all", None, None, None]
    assert policies.stores == (StoreName("ca", "acme"),)


def test_without_a_global_statement_a_name_must_be_given() -> None:
    """A statement that was not chosen is not trusted, not even where there is only one statement."""
    assert read_blob_policy(document(statement(globalPolicy=False))).select() is None


@pytest.mark.parametrize(
    ("statements", "path"),
    [
        ((statement("a", globalPolicy=True), statement("b", globalPolicy=True)), "[1].globalPolicy"),
        ((statement(globalPolicy="true"),), "[0].globalPolicy"),
        ((statement(globalPolicy=1),), "[0].globalPolicy"),
        ((statement(registryScopes=["*"]),), "[0].registryScopes"),
        ((statement(), statement()), ""),
        ((statement(name=" "),), "[0].name"),
        ((statement(trustStores=[]),), "[0].trustStores"),
        ((statement(trustedIdentities=...),), "[0].trustedIdentities"),
        ((statement(signatureVerification=...),), "[0].signatureVerification"),
        (
            (
                statement(
                    globalPolicy=True,
                    signatureVerification={"level": "skip"},
                    trustStores=...,
                    trustedIdentities=...,
                ),
            ),
            "[0].globalPolicy",
        ),
        ((), ""),
    ],
)
def test_a_fault_is_shown_where_it_stands(statements: tuple[dict[str, Any], ...], path: str) -> None:
    """Every document that notation refuses is refused, with the path of the fault."""
    with pytest.raises(ConfigurationError) as error:
        read_blob_policy(document(*statements))
    assert error.value.path == f"trustPolicy.trustPolicies{path}"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"version":"1.0","version":"1.0"}', b"{}"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    """Bytes are read strictly."""
    with pytest.raises(ConfigurationError):
        parse_blob_policy(data)


def test_a_short_policy_is_for_everything() -> None:
    """The statement made of flags is the global one."""
    policy = short_blob_policy(identities=["*"], stores=["ca:acme"]).select()
    assert policy is not None
    assert (policy.level, policy.identities, policy.scopes) == ("strict", None, ())


def test_notations_own_documents_are_read(shared: Path) -> None:
    """Of notation's suite the one for blobs is read, and one for images is none for blobs."""
    folder = shared / "notation-e2e"
    policies = parse_blob_policy((folder / "blob-trustpolicies" / "trustpolicy.blob.json").read_bytes())
    assert [policy.name for policy in policies.policies][1] == policies.everything
    with pytest.raises(ConfigurationError, match="registryScopes"):
        parse_blob_policy((folder / "trustpolicies" / "trustpolicy.json").read_bytes())
    assert json.loads((folder / "trustpolicies" / "blob_trust_policy.json").read_bytes())
