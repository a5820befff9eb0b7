"""Good signatures of every kind verify, and the report says what was found."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.chain import Chain, validate_chain
from pyratify.testing.certificates import authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation import verified_cache
from pyratify.verifiers.notation.envelope import PLUGIN, PLUGIN_VERSION, SIGNING_AUTHORITY, X509
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import read_trust_policy, short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from pyratify.verifiers.notation.verified_cache import ChainCache
from support.notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, found, judge


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("kind", ["rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521"])
async def test_each_algorithm_of_the_specification_verifies(kind: str, media_type: str) -> None:
    """Six kinds of key, two formats, below an authority with a P-256 key."""
    result = details(await judge(media_type=media_type, leaf=signer(MIDDLE, kind=kind)))
    assert result.data["mediaType"] == media_type
    assert result.warnings == ()


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(("scheme", "kind"), [(X509, "ca"), (SIGNING_AUTHORITY, "signingAuthority")])
async def test_each_signing_scheme_verifies_with_its_own_trust_store(
    scheme: str, kind: str, media_type: str
) -> None:
    """Both schemes, both formats."""
    recipe = Recipe(scheme=scheme, expiry=datetime(2030, 1, 1, tzinfo=UTC))
    result = details(await judge(recipe, media_type, verifier=make_verifier(ROOT, kind=kind)))
    assert result.data["signingScheme"] == scheme
    assert result.data["expiry"] == "2030-01-01T00:00:00Z"


async def test_the_report_names_the_signer_and_every_check() -> None:
    """Ratify's two facts, the signer's key, and what was and was not looked at."""
    result = details(await judge())
    leaf = parse_certificate(LEAF.der)
    assert result.signers == (leaf.spki,)
    assert (result.data["Issuer"], result.data["SN"]) == (leaf.issuer, leaf.subject)
    common = {name: result.data[name] for name in ("signer", "issuer", "root", "createdAt")}
    root = parse_certificate(ROOT.der).subject
    assert common == {
        "signer": leaf.subject,
        "issuer": leaf.issuer,
        "root": root,
        "createdAt": "2026-01-01T00:00:00Z",
    }
    assert result.data["certificates"][0] == leaf.fingerprint
    assert result.data["algorithm"] == "ES256"
    assert result.data["signingTime"] == "2026-01-01T00:00:00Z"
    assert result.data["checks"] == {
        "integrity": "passed",
        "authenticity": "passed",
        "expiry": "passed",
        "authenticTimestamp": "passed",
        "revocation": "passed",
    }


async def test_a_signature_by_a_longer_chain_verifies() -> None:
    """Four certificates, the anchor in the middle of them."""
    below = authority("below", issuer=MIDDLE)
    details(await judge(leaf=signer(below), verifier=make_verifier(MIDDLE)))


async def test_a_self_signed_signer_verifies_if_it_is_itself_the_anchor() -> None:
    """A chain of one certificate, which meets the requirements for signers."""
    alone = signer(None)
    details(await judge(leaf=alone, verifier=make_verifier(alone)))


async def test_required_metadata_must_be_signed() -> None:
    """What the payload's annotations say counts; a missing or other value is refused."""
    verifier = make_verifier(ROOT, required_metadata={"env": "prod"})

    def says(value: str) -> Recipe:
        """Sign that value."""
        return Recipe(payload=lambda p: p["targetArtifact"].update(annotations={"env": value, "x": "y"}))

    details(await judge(says("prod"), verifier=verifier))
    for recipe in (says("dev"), Recipe()):
        assert found(await judge(recipe, verifier=verifier)).reason is Reason.METADATA_MISMATCH


async def test_a_validated_chain_is_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second signature by the same chain costs one signature verification only."""
    validated: list[tuple[bytes, ...]] = []

    def validate(documents: tuple[bytes, ...]) -> Chain:
        validated.append(documents)
        return validate_chain(documents)

    monkeypatch.setattr(verified_cache, "validate_chain", validate)
    verifier = make_verifier(ROOT)
    for _ in range(2):
        details(await judge(verifier=verifier))
        assert validated == [LEAF.chain]


def test_only_so_many_chains_are_remembered() -> None:
    """What was not used for longest is forgotten first."""
    chains = ChainCache(size=1)
    first = chains.validate(LEAF.chain)
    assert chains.validate(LEAF.chain) is first
    chains.validate(signer(ROOT).chain)
    assert chains.validate(LEAF.chain) is not first


async def test_a_policy_with_a_store_that_is_not_given_is_refused() -> None:
    """Before any image arrives."""
    policy = short_trust_policy(identities=["*"], stores=["ca:missing"])
    with pytest.raises(ConfigurationError, match="ca:missing"):
        NotationVerifier("notation", policy, {StoreName("ca", "missing"): ()}, FakeClock())


async def test_revocation_that_the_policy_skips_is_reported_as_skipped() -> None:
    """And not as something that this version cannot do."""
    statement = {
        "name": "x",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict", "override": {"revocation": "skip"}},
        "trustStores": ["ca:test"],
        "trustedIdentities": ["*"],
    }
    policy = read_trust_policy({"version": "1.0", "trustPolicies": [statement]})
    stores = {StoreName("ca", "test"): (ROOT.material,)}
    verifier = NotationVerifier("notation", policy, stores, FakeClock())
    assert details(await judge(verifier=verifier)).data["revocation"] == "skipped"


@pytest.mark.parametrize("annotations", [[], {"a": 1}, "x"])
async def test_signed_metadata_is_text_by_name(annotations: object) -> None:
    """Anything else is no annotation of a descriptor."""
    recipe = Recipe(payload=lambda p: p["targetArtifact"].update(annotations=annotations))
    assert found(await judge(recipe)).reason is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({PLUGIN_VERSION: "1.0"}, Reason.ENVELOPE_MALFORMED),
        ({PLUGIN: " "}, Reason.ENVELOPE_MALFORMED),
        ({PLUGIN: 1}, Reason.ENVELOPE_MALFORMED),
    ],
)
async def test_plugins_are_named_or_not_asked_for(attributes: dict[str, object], expected: Reason) -> None:
    """A version without a name, and a name that is none."""

    def edit(header: dict[str, Any]) -> None:
        """Ask for it."""
        header.update(attributes)
        header["crit"].extend(attributes)

    assert found(await judge(Recipe(protected=edit))).reason is expected


async def test_a_scheme_that_is_neither_there_nor_listed_is_refused() -> None:
    """It is the one attribute that every signature has."""

    def edit(header: dict[str, Any]) -> None:
        """List the expiry alone."""
        del header["io.cncf.notary.signingScheme"]
        header["crit"] = ["io.cncf.notary.expiry"]

    recipe = Recipe(protected=edit, expiry=datetime(2030, 1, 1, tzinfo=UTC))
    assert found(await judge(recipe)).reason is Reason.CRIT_UNKNOWN


SUBJECT = "x509.subject: C=US, ST=WA, O=Example"


async def test_identities_of_other_kinds_match_no_certificate() -> None:
    """Beside the right one they do no harm; alone they trust nothing, and the refusal says so."""
    other = "did:key:z6Mk"
    details(await judge(verifier=make_verifier(ROOT, identities=(other, SUBJECT))))
    failure = found(await judge(verifier=make_verifier(ROOT, identities=(other,))))
    assert failure.reason is Reason.IDENTITY_MISMATCH
    assert other in failure.message


def test_identities_of_other_kinds_stay_in_the_policy() -> None:
    """For a plugin that verifies identities, in the order of their kinds."""
    (policy,) = short_trust_policy(identities=("did:key:z6Mk", SUBJECT), stores=("ca:x",)).policies
    assert policy.identity_texts == (SUBJECT, "did:key:z6Mk")
    (anyone,) = short_trust_policy(identities=("*",), stores=("ca:x",)).policies
    assert anyone.identity_texts == ("*",)


@pytest.mark.parametrize(
    "identity",
    [
        "x509.issuer: C=US",
        "X509.Subject: C=US",
        "x509subject:C=US",
        "did",
        "did:",
        ":x",
        "C=US, O=a:b",
        "d i:x",
    ],
)
def test_atk_147_what_only_looks_like_an_identity_is_refused(identity: str) -> None:
    """A misspelt kind of X.509 never becomes an identity that nothing matches."""
    with pytest.raises(ConfigurationError):
        short_trust_policy(identities=(identity, SUBJECT), stores=("ca:x",))
