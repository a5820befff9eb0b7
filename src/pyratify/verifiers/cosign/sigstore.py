"""Sigstore bundles signed with a configured key, as cosign 3 attaches them (cosign BUNDLE_SPEC, sigstore client specification).

Log entries and timestamps are counted and otherwise ignored: beside a configured key they prove nothing that is asked for.
"""

import hashlib
import hmac
from typing import Any

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.pki.dsse import DsseEnvelope
from pyratify.pki.keys import PublicKey
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.bundle import Bundle, MessageSignature, parse_bundle
from pyratify.verifiers.cosign.formats import BUNDLE_FAMILY, HASHES, IN_TOTO
from pyratify.verifiers.cosign.keyed import Checked, TrustedKeys, check_certificate
from pyratify.verifiers.cosign.payload import Claim, check_claim, read_statement


async def verify_bundle(evidence: Evidence, trusted: TrustedKeys) -> Details:
    """Verify the one signature of a bundle and what it says of the subject.

    Raises:
        VerificationError: It is not acceptable.
        StoreError: The bundle, or the subject where its bytes are signed, could not be read.
    """
    layers = evidence.manifest.layers
    if len(layers) != 1 or not layers[0].media_type.startswith(BUNDLE_FAMILY):
        fields.malformed("the manifest does not have exactly one layer, a bundle")
    bundle = parse_bundle(await evidence.blob(layers[0]))
    _check_mode(bundle)
    signer, claim = await _verify(evidence, bundle, trusted)
    check_claim(claim, trusted.policy, evidence.reference)
    checked = Checked(layers[0].digest, signer.fingerprint, facts=_facts(bundle, claim))
    data = {"format": "sigstore-bundle", "verifiedSignatures": [checked.as_data()]}
    return Details("cosign: 1 trusted key signed this image", (signer.fingerprint,), data)


def _check_mode(bundle: Bundle) -> None:
    for certificate in bundle.certificates:
        check_certificate(certificate)
    if bundle.certificates:
        raise VerificationError(
            Reason.SIG_INVALID,
            "the bundle was signed with a certificate (keyless), and this policy trusts keys only",
        )


async def _verify(evidence: Evidence, bundle: Bundle, trusted: TrustedKeys) -> tuple[PublicKey, Claim]:
    if isinstance(bundle.content, DsseEnvelope):
        return _verify_envelope(evidence, bundle.content, trusted)
    return await _verify_message(evidence, bundle.content, trusted)


def _verify_envelope(
    evidence: Evidence, envelope: DsseEnvelope, trusted: TrustedKeys
) -> tuple[PublicKey, Claim]:
    if envelope.payload_type != IN_TOTO:
        raise VerificationError(
            Reason.PAYLOAD_TYPE, f"the envelope holds {envelope.payload_type[:120]!r}, not {IN_TOTO}"
        )
    signer = trusted.signer(envelope.signed, envelope.signatures[0].value)
    return signer, read_statement(envelope.payload, evidence.subject.digest)


async def _verify_message(
    evidence: Evidence, message: MessageSignature, trusted: TrustedKeys
) -> tuple[PublicKey, Claim]:
    algorithm = HASHES.get(message.algorithm)
    if algorithm is None:
        raise VerificationError(
            Reason.SIG_INVALID, f"the message digest is of an unknown algorithm: {message.algorithm[:80]!r}"
        )
    artifact = await evidence.content.manifest(evidence.reference, evidence.subject)
    digest = hashlib.new(algorithm, artifact).digest()
    if not hmac.compare_digest(digest, message.digest):
        raise VerificationError(
            Reason.SIG_INVALID, f"the message digest is not that of {evidence.subject.digest}"
        )
    return trusted.signer(artifact, message.signature, algorithm), Claim()


def _facts(bundle: Bundle, claim: Claim) -> dict[str, Any]:
    facts: dict[str, Any] = {"keyHint": bundle.hint}
    if claim.predicate_type is not None:
        facts["predicateType"] = claim.predicate_type
        facts["annotations"] = [dict(found) for found in claim.annotations]
    if bundle.log_entries or bundle.timestamps:
        facts["notChecked"] = {
            "logEntries": len(bundle.log_entries),
            "timestamps": len(bundle.timestamps),
        }
    return facts
