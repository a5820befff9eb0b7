"""Comparison of a verified claim with the trust policy."""

from collections.abc import Mapping
from typing import Any, NoReturn

from pyratify.core.errors import InvalidReference, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.claim import Claim
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy


def check_claim(claim: Claim, policy: CosignTrustPolicy, reference: Reference) -> None:
    """Compare a verified claim with the policy.

    Args:
        claim: The claim of one verified signature.
        policy: What it must say.
        reference: The reference that is being verified.

    Raises:
        VerificationError: `PAYLOAD_TYPE`, `IDENTITY_MISMATCH` or `METADATA_MISMATCH`.
    """
    # An attestation says what was found, not that an image may run; cosign accepts any statement.
    if claim.predicate_type is not None and claim.predicate_type not in policy.predicate_types:
        raise VerificationError(
            Reason.PAYLOAD_TYPE,
            f"a statement of type {claim.predicate_type[:200]!r} is no signature under this policy",
            remedy="Sign the image, or name this type in the policy's predicateTypes if it is to count.",
        )
    # SIGNATURE_SPEC ignores docker-reference, so comparing it is the policy's choice.
    if policy.require_docker_reference:
        _check_docker_reference(claim.docker_reference, reference)
    required = policy.annotations
    # All of them in one mention: halves of two mentions must not add up.
    if required and not any(_holds(required, found) for found in claim.annotations):
        raise VerificationError(
            Reason.METADATA_MISMATCH, f"the signature lacks a required annotation: {', '.join(required)}"
        )


def check_tag(signer: AuthenticatedSigner, policy: CosignTrustPolicy, tag: str | None) -> None:
    """Compare the tag that was asked for with the source reference in the signer's certificate, where the policy asks for it.

    Raises:
        VerificationError: `TAG_REF_MISMATCH`.
    """
    if policy.tag_rule is None:
        return
    from pyratify.evidence.tag_rule import certified_reference

    policy.tag_rule.check(tag, [certified_reference(signer.certificate)])


def _holds(required: Mapping[str, str], found: Mapping[str, Any]) -> bool:
    # Equal as texts: a number or true in the payload is no string of the policy.
    return all(found.get(name) == value for name, value in required.items())


def _check_docker_reference(name: str, reference: Reference) -> None:
    """Refuse another repository; a tag in the name is ignored, because tags move."""
    if not name:
        _refuse_name("names no repository", reference)
    try:
        signed = Reference.parse(name)
    except InvalidReference:
        _refuse_name(f"names {name[:200]!r}, which is no repository", reference)
    # The digest was compared with the subject already; a pinned name must not contradict it.
    if signed.name != reference.name or signed.digest not in (None, reference.digest):
        _refuse_name(f"is for {name[:200]!r}", reference)


def _refuse_name(what: str, reference: Reference) -> NoReturn:
    raise VerificationError(Reason.IDENTITY_MISMATCH, f"the signature {what}, not for {reference.name}")
