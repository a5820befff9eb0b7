"""Good signatures of every kind verify, and the report says what was found."""

from datetime import UTC, datetime

import pytest

from notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, found, judge
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.testing.certificates import authority, signer
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation.envelope import SIGNING_AUTHORITY, X509


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
    assert result.data["certificates"][0] == leaf.fingerprint
    assert result.data["algorithm"] == "ES256"
    assert result.data["signingTime"] == "2026-01-01T00:00:00Z"
    assert result.data["checks"] == {
        "integrity": "passed",
        "authenticity": "passed",
        "expiry": "passed",
        "authenticTimestamp": "passed",
        "revocation": "not checked",
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
        return Recipe(payload=lambda p: p["targetArtifact"].update(annotations={"env": value, "x": "y"}))

    details(await judge(says("prod"), verifier=verifier))
    for recipe in (says("dev"), Recipe()):
        assert found(await judge(recipe, verifier=verifier)).reason is Reason.METADATA_MISMATCH


async def test_a_validated_chain_is_not_validated_again() -> None:
    """The second signature by the same chain costs one signature verification only."""
    verifier = make_verifier(ROOT)
    await verifier.prepare()
    details(await judge(verifier=verifier))
    before = verifier._ready[1].validate(LEAF.chain)
    details(await judge(verifier=verifier))
    assert verifier._ready[1].validate(LEAF.chain) is before
