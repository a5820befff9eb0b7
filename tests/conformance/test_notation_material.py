"""The repository's own material, really signed by notation, and other projects' layouts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.fakes import FakeClock
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import parse_trust_policy, short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from pyratify.verifiers.notation.truststore import load_trust_store
from support.notation_layouts import load_layout, materials, validate

MATERIAL = Path(__file__).parents[2] / "examples" / "material"
EXPECTED = json.loads((MATERIAL / "expected.json").read_bytes())
AFTER_SIGNING = FakeClock(time=datetime(2027, 1, 1, tzinfo=UTC))
REASONS = {
    "wrong-ca": {Reason.CHAIN_UNTRUSTED},
    "replayed": {Reason.PAYLOAD_SUBJECT_MISMATCH},
    "tampered": {Reason.SIG_INVALID},
    "expired-signature": {Reason.SIG_EXPIRED},
}


def verifier() -> NotationVerifier:
    """Return a verifier from notation's own configuration files."""
    policy = parse_trust_policy((MATERIAL / "trustpolicy.json").read_bytes())
    stores = load_trust_store(MATERIAL / "truststore", policy.stores)
    return NotationVerifier("notation", policy, stores, AFTER_SIGNING)


@pytest.mark.parametrize("tag", EXPECTED)
async def test_signed_material_gets_the_verdict_that_notation_gives_it(tag: str) -> None:
    """Accepted, refused with the right reason, or without any signature."""
    store = load_layout(MATERIAL / "layout")
    result = await validate(store, f"example.com/demo:{tag}", verifier())
    results = [r for report in result.artifacts for r in report.results]
    assert (result.decision is Decision.ALLOW) == (EXPECTED[tag]["notation"] == "pass")
    assert bool(results) == (EXPECTED[tag]["notation"] != "none")
    assert {r.failure.reason for r in results if r.failure} == REASONS.get(tag, set())


async def test_signatures_of_another_project_verify(shared: Path) -> None:
    """A JWS and a COSE signature of one image, both by the same trusted key."""
    store = load_layout(shared / "derived" / "notation-alpine-jws-cose-layout")
    anchor = materials([shared / "derived" / "notation-alpine-truststore-ca.pem"])
    policy = short_trust_policy(identities=["*"], stores=["ca:default"])
    notation = NotationVerifier("notation", policy, {StoreName("ca", "default"): anchor}, AFTER_SIGNING)
    (digest,) = store.listings
    result = await validate(store, f"example.com/alpine@{digest}", notation)
    passed = [r.details for report in result.artifacts for r in report.results if r.details]
    assert result.decision is Decision.ALLOW
    assert passed


async def test_evidence_says_until_when_it_holds() -> None:
    """The first of the chain's certificates that ends; a remembered verdict must not outlive it."""
    certificates = [
        x509.load_pem_x509_certificate((MATERIAL / "certs" / name).read_bytes())
        for name in ("ec.pem", "ca.pem")
    ]
    result = await validate(load_layout(MATERIAL / "layout"), "example.com/demo:notation-jws-ec", verifier())
    (details,) = [r.details for report in result.artifacts for r in report.results if r.details]
    assert details.valid_until == min(certificate.not_valid_after_utc for certificate in certificates)
