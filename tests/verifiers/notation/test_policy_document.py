"""Trust policies are read as a whole, and every fault is shown where it stands."""

import json
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import Reference
from pyratify.verifiers.notation.policy_document import parse_trust_policy, read_trust_policy
from pyratify.verifiers.notation.trust_policy import Action, Check, StoreName, VerifyTimestamp


def statement(**changes: Any) -> dict[str, Any]:
    """Return a good statement with some members changed; `...` takes one away."""
    members = {
        "name": "one",
        "registryScopes": ["example.com/app"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme", "tsa:clock"],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Example"],
    }
    return {name: value for name, value in (members | changes).items() if value is not ...}


def document(*statements: Any) -> bytes:
    """Return a document."""
    return json.dumps({"version": "1.0", "trustPolicies": statements}).encode()


def test_a_document_is_read() -> None:
    """Every member of a statement comes out."""
    verification = {"level": "permissive", "override": {"expiry": "enforce", "revocation": "skip"}}
    verification["verifyTimestamp"] = "afterCertExpiry"  # type: ignore[assignment]
    (policy,) = parse_trust_policy(document(statement(signatureVerification=verification))).policies
    assert (policy.name, policy.scopes, policy.level) == ("one", ("example.com/app",), "permissive")
    assert policy.actions == {
        Check.INTEGRITY: Action.ENFORCE,
        Check.AUTHENTICITY: Action.ENFORCE,
        Check.AUTHENTIC_TIMESTAMP: Action.LOG,
        Check.EXPIRY: Action.ENFORCE,
        Check.REVOCATION: Action.SKIP,
    }
    assert policy.stores_of("tsa") == (StoreName("tsa", "clock"),)
    assert policy.verify_timestamp is VerifyTimestamp.AFTER_CERT_EXPIRY
    assert policy.identities is not None
    assert [identity.text for identity in policy.identities] == ["x509.subject: C=US, ST=WA, O=Example"]


def test_the_statement_for_a_repository_is_selected() -> None:
    """Exact, else everything; a layout has no repository."""
    everything = statement(name="all", registryScopes=["*"])
    policies = parse_trust_policy(document(statement(), everything))
    references = (
        Reference.parse("example.com/app:v1"),
        Reference.parse("example.com/other"),
        Reference("oci", "example.com/app", "v1", None),
    )
    selected = [policies.select(reference) for reference in references]
    assert [policy and policy.name for policy in selected] == ["one", "all", "all"]
    only = parse_trust_policy(document(statement()))
    assert only.select(Reference.parse("example.com/other")) is None
    assert list(policies.stores) == [StoreName("ca", "acme"), StoreName("tsa", "clock")]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param(b"{", "trustPolicy", id="no-json"),
        pytest.param(b'{"version":"1.0","version":"1.0"}', "trustPolicy", id="duplicate-key"),
        pytest.param(b"[]", "trustPolicy", id="list"),
        pytest.param(b'{"version":"2.0"}', "trustPolicy.version", id="version"),
        pytest.param(b'{"version":"1.0","policies":[]}', "trustPolicy.policies", id="unknown-member"),
        pytest.param(document(), "trustPolicy.trustPolicies", id="no-statement"),
        pytest.param(b'{"version":"1.0","trustPolicies":{}}', "trustPolicy.trustPolicies", id="no-list"),
        pytest.param(
            document(statement(), statement(registryScopes=["*"])),
            "trustPolicy.trustPolicies",
            id="name-twice",
        ),
        pytest.param(
            document(statement(), statement(name="two")), "trustPolicy.trustPolicies", id="scope-twice"
        ),
        pytest.param(document("x"), "trustPolicy.trustPolicies[0]", id="statement-text"),
    ],
)
def test_documents_of_another_shape_are_refused(value: bytes, path: str) -> None:
    """The path says where."""
    with pytest.raises(ConfigurationError) as error:
        parse_trust_policy(value)
    assert error.value.path == path


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"name": ...}, "name", id="no-name"),
        pytest.param({"name": " "}, "name", id="blank-name"),
        pytest.param({"name": 1}, "name", id="name-number"),
        pytest.param({"registryScopes": "*"}, "registryScopes", id="scopes-text"),
        pytest.param({"registryScopes": [1]}, "registryScopes", id="scope-number"),
        pytest.param({"signatureVerification": ...}, "signatureVerification", id="no-verification"),
        pytest.param({"signatureVerification": "strict"}, "signatureVerification", id="verification-text"),
        pytest.param({"signatureVerification": {}}, "signatureVerification.level", id="no-level"),
        pytest.param(
            {"signatureVerification": {"level": "strict", "levle": "x"}},
            "signatureVerification.levle",
            id="unknown-option",
        ),
        pytest.param(
            {"signatureVerification": {"level": "strict", "verifyTimestamp": "never"}},
            "signatureVerification.verifyTimestamp",
            id="unknown-moment",
        ),
        pytest.param({"trustStores": ...}, "trustStores", id="no-stores"),
        pytest.param({"trustedIdentities": ...}, "trustedIdentities", id="no-identities"),
        pytest.param({"trustStores": ["acme"]}, "trustStores[0]", id="store-without-type"),
        pytest.param({"trustStores": ["x:acme"]}, "trustStores[0]", id="unknown-type"),
        pytest.param({"trustStores": ["ca:a", "ca:../b"]}, "trustStores[1]", id="store-with-path"),
        pytest.param({"trustStores": ["ca:.."]}, "trustStores[0]", id="store-of-dots"),
        pytest.param({"trustStores": ["ca:a b"]}, "trustStores[0]", id="store-with-blank"),
        pytest.param({"comment": "x"}, "comment", id="unknown-member"),
        pytest.param(
            {"signatureVerification": {"level": "skip"}, "trustedIdentities": ...},
            "trustStores",
            id="skip-with-stores",
        ),
        pytest.param(
            {"signatureVerification": {"level": "skip"}, "trustStores": ...},
            "trustedIdentities",
            id="skip-with-identities",
        ),
    ],
)
def test_faults_of_a_statement_are_shown_where_they_stand(changes: dict[str, Any], path: str) -> None:
    """Each changed member alone."""
    value = {"version": "1.0", "trustPolicies": [statement(**changes)]}
    with pytest.raises(ConfigurationError) as error:
        read_trust_policy(value)
    assert error.value.path == f"trustPolicy.trustPolicies[0].{path}"


def test_several_identities_that_do_not_overlap_are_accepted() -> None:
    """Signers of different organisations, and of different units of one."""
    identities = [f"x509.subject: C=US, ST=WA, O={name}" for name in ("a", "b", "c, OU=d")]
    (policy,) = parse_trust_policy(document(statement(trustedIdentities=identities))).policies
    assert policy.identities is not None
    assert len(policy.identities) == 3


WILDCARDS = (
    ("example.com/team/app", ["example.com/team/app"]),
    ("example.com/team/*", ["example.com/team/other", "example.com/team/deep/app"]),
    ("example.com", ["example.com/teams/app"]),
    ("*.example.com", ["a.example.com/app"]),
    ("*", ["b.a.example.com/app", "example.org/app"]),
)


def test_with_wildcards_the_most_specific_scope_decides() -> None:
    """Repository, prefix, registry, zone, everything, in that order."""
    statements = [statement(name=scope, registryScopes=[scope]) for scope, _ in reversed(WILDCARDS)]
    policies = parse_trust_policy(document(*statements), wildcards=True)
    for scope, names in WILDCARDS:
        for name in names:
            policy = policies.select(Reference.parse(name))
            assert policy is not None
            assert policy.name == scope


@pytest.mark.parametrize("scope", ["example.com/team/*", "example.com", "*.example.com"])
def test_without_being_asked_for_there_are_no_wildcards(scope: str) -> None:
    """Such a document means something else to notation, so it is refused as notation refuses it."""
    with pytest.raises(ConfigurationError) as error:
        parse_trust_policy(document(statement(registryScopes=[scope])))
    assert error.value.path == "trustPolicy.trustPolicies[0].registryScopes"


@pytest.mark.parametrize(
    "scope", ["example.*", "example.com/te*", "*/app", "**", "*.com.", "Example.com/*", ""]
)
def test_not_every_star_is_a_wildcard(scope: str) -> None:
    """What is no scope stays none."""
    with pytest.raises(ConfigurationError):
        parse_trust_policy(document(statement(registryScopes=[scope])), wildcards=True)
