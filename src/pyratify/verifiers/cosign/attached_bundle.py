"""Sigstore bundles as cosign 3 attaches them (cosign BUNDLE_SPEC, sigstore client specification).

With a configured key alone, log entries and timestamps are counted and otherwise ignored: the policy asks for no proof
beside the key. With identities, or a key and a trusted root, they are verified.
"""

from typing import Any

from pyratify.core.offload import offload
from pyratify.core.verifier import Details, Evidence
from pyratify.pki.dsse import DsseEnvelope
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import BYTES_PER_UNIT, Budget
from pyratify.sigstore.bundle import Bundle, parse_bundle
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.media_types import BUNDLE_FAMILY, MAX_BUNDLE
from pyratify.sigstore.mismatch import keyless
from pyratify.sigstore.signed_content import claim_of, material_of
from pyratify.verifiers.cosign.check_claim import check_claim, check_tag
from pyratify.verifiers.cosign.checked_signature import CheckedSignature
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy


async def verify_bundle(
    evidence: Evidence, policy: CosignTrustPolicy, authenticator: Authenticator
) -> Details:
    """Verify the one signature of a bundle and what it says of the subject.

    Raises:
        VerificationError: It is not acceptable.
        StoreError: The bundle, or the subject where its bytes are signed, could not be read.
    """
    layers = evidence.manifest.layers
    # One layer: of several bundles, which one counts would depend on the reader (BUNDLE_SPEC, "Publishing").
    if len(layers) != 1 or not layers[0].media_type.startswith(BUNDLE_FAMILY):
        json_fields.malformed("the manifest does not have exactly one layer, a bundle")
    raw = await evidence.blob(layers[0], most=MAX_BUNDLE)
    bundle = await offload(len(raw), parse_bundle, raw)
    signer, claim = await _authenticate(evidence, bundle, authenticator)
    check_claim(claim, policy, evidence.reference)
    check_tag(signer, policy, evidence.tag)
    facts = {**_facts(bundle, claim, authenticator), **signer.facts}
    checked = CheckedSignature(layers[0].digest, signer.name, facts=facts)
    kind = {"predicateType": claim.predicate_type} if claim.predicate_type else {}
    data = {
        "format": "sigstore-bundle",
        **signer.common,
        **kind,
        "verifiedSignatures": [checked.as_data()],
    }
    return Details(f"1 trusted {authenticator.signer_kind} signed this image", (signer.name,), data)


async def _authenticate(
    evidence: Evidence, bundle: Bundle, authenticator: Authenticator
) -> tuple[AuthenticatedSigner, Claim]:
    is_statement = isinstance(bundle.content, DsseEnvelope)
    # A statement names digests, so the manifest's bytes are read only where they are signed themselves.
    data = None if is_statement else await evidence.content.manifest(evidence.reference, evidence.subject)
    artifact, size = Artifact(data, evidence.subject.digest), evidence.manifest.layers[0].size
    material = await offload(size + len(data or b""), material_of, bundle, artifact)
    if material.certificate is not None and not authenticator.accepts_certificates:
        raise keyless()
    cost = authenticator.cost(material)
    # Before the work: a budget that is spent afterwards bounds nothing.
    Budget().spend(cost)
    # The typical cost too: it knows how slow the expressions are that the signer is matched with.
    work = size + max(cost, authenticator.typical_cost) * BYTES_PER_UNIT
    signer = await offload(work, authenticator.authenticate, material)
    return signer, await offload(size, claim_of, bundle, artifact)


def _facts(bundle: Bundle, claim: Claim, authenticator: Authenticator) -> dict[str, Any]:
    facts: dict[str, Any] = {"keyHint": bundle.hint} if bundle.hint is not None else {}
    if claim.predicate_type is not None:
        facts["predicateType"] = claim.predicate_type
        facts["annotations"] = [dict(found) for found in claim.annotations]
    # Said in the report, so that a log entry is not mistaken for one that was verified.
    if (bundle.log_entries or bundle.timestamps) and not authenticator.requirements.has_trust:
        facts["notChecked"] = {
            "logEntries": len(bundle.log_entries),
            "timestamps": len(bundle.timestamps),
        }
    return facts
