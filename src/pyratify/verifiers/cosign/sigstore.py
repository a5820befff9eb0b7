"""Sigstore bundles as cosign 3 attaches them (cosign BUNDLE_SPEC, sigstore client specification).

With a configured key alone, log entries and timestamps are counted and otherwise ignored: beside a key they prove nothing
that is asked for. With identities, or a key and a trusted root, they are verified.
"""

from typing import TYPE_CHECKING, Any

from pyratify.core.offload import offload
from pyratify.core.verifier import Details, Evidence
from pyratify.pki.dsse import DsseEnvelope
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.artifact import Artifact
from pyratify.verifiers.cosign.budget import BYTES, Budget
from pyratify.verifiers.cosign.bundle import Bundle, parse_bundle
from pyratify.verifiers.cosign.bundle_material import material_of, signed_of
from pyratify.verifiers.cosign.formats import BUNDLE_FAMILY, MAX_BUNDLE
from pyratify.verifiers.cosign.keyed import Checked, TrustedKeys
from pyratify.verifiers.cosign.material import Material
from pyratify.verifiers.cosign.mismatch import keyless
from pyratify.verifiers.cosign.payload import Claim, check_claim, read_statement

if TYPE_CHECKING:
    from pyratify.verifiers.cosign.trusting import Trusting


async def verify_bundle(evidence: Evidence, trusted: "TrustedKeys | Trusting") -> Details:
    """Verify the one signature of a bundle and what it says of the subject.

    Raises:
        VerificationError: It is not acceptable.
        StoreError: The bundle, or the subject where its bytes are signed, could not be read.
    """
    layers = evidence.manifest.layers
    if len(layers) != 1 or not layers[0].media_type.startswith(BUNDLE_FAMILY):
        fields.malformed("the manifest does not have exactly one layer, a bundle")
    raw = await evidence.blob(layers[0], most=MAX_BUNDLE)
    bundle = await offload(len(raw), parse_bundle, raw)
    signer, facts, claim = await _verify(evidence, bundle, trusted)
    check_claim(claim, trusted.policy, evidence.reference)
    checked = Checked(layers[0].digest, signer, facts={**_facts(bundle, claim, trusted), **facts})
    data = {"format": "sigstore-bundle", "verifiedSignatures": [checked.as_data()]}
    return Details(f"1 trusted {trusted.noun} signed this image", (signer,), data)


async def _verify(
    evidence: Evidence, bundle: Bundle, trusted: "TrustedKeys | Trusting"
) -> tuple[str, dict[str, Any], Claim]:
    is_statement = isinstance(bundle.content, DsseEnvelope)
    data = None if is_statement else await evidence.content.manifest(evidence.reference, evidence.subject)
    artifact, size = Artifact(data, evidence.subject.digest), evidence.manifest.layers[0].size
    material = await offload(size + len(data or b""), _material, bundle, artifact)
    if material.certificate is not None and isinstance(trusted, TrustedKeys):
        raise keyless()
    price = trusted.price(material)
    Budget().spend(price)
    signer, facts = await offload(size + price * BYTES, trusted.authenticate, material)
    claim = Claim()
    if isinstance(bundle.content, DsseEnvelope):
        payload = bundle.content.payload
        claim = await offload(len(payload), read_statement, payload, evidence.subject.digest)
    return signer, dict(facts), claim


def _material(bundle: Bundle, artifact: Artifact) -> Material:
    return material_of(bundle, signed_of(bundle, artifact))


def _facts(bundle: Bundle, claim: Claim, trusted: "TrustedKeys | Trusting") -> dict[str, Any]:
    facts: dict[str, Any] = {"keyHint": bundle.hint} if bundle.hint is not None else {}
    if claim.predicate_type is not None:
        facts["predicateType"] = claim.predicate_type
        facts["annotations"] = [dict(found) for found in claim.annotations]
    if (bundle.log_entries or bundle.timestamps) and not trusted.policy.has_trust:
        facts["notChecked"] = {
            "logEntries": len(bundle.log_entries),
            "timestamps": len(bundle.timestamps),
        }
    return facts
