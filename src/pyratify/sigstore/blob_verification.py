"""Bundles that lie beside their artifact as files, without a registry (`cosign verify-blob`, `ratify verify-bundle`)."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.bundle import parse_bundle
from pyratify.sigstore.signed_content import claim_of, material_of


def verify_blob(
    data: bytes, artifact: Artifact, authenticator: Authenticator, *, predicate_type: str = ""
) -> Details:
    """Verify a bundle for an artifact.

    Args:
        data: The bundle's bytes.
        artifact: What must have been signed; where the bundle holds a statement, one of its subjects.
        authenticator: Authenticates the signers that count.
        predicate_type: The only type of statement that counts; empty for every statement and for signatures.

    Raises:
        VerificationError: The bundle is no evidence for the artifact; for another type as in `check_type`.
    """
    bundle = parse_bundle(data)
    # Before `claim_of`: a statement of an unknown signer is not even parsed.
    signer = authenticator.authenticate(material_of(bundle, artifact))
    claim = claim_of(bundle, artifact)
    check_type(claim.predicate_type, predicate_type)
    kind = {"predicateType": claim.predicate_type} if claim.predicate_type else {}
    return Details(
        f"1 trusted {authenticator.signer_kind} signed this artifact",
        (signer.name,),
        {"format": "sigstore-bundle", **kind, **signer.common, **signer.facts},
    )


def check_type(found: str | None, wanted: str) -> None:
    """Refuse a claim of another type than the wanted one; an empty type accepts all.

    Raises:
        VerificationError: `PREDICATE_TYPE`: it is a statement of another type; `PAYLOAD_TYPE`: it is none.
    """
    # Signed for one purpose, shown for another: an SBOM must not pass where provenance is asked for.
    if wanted and found != wanted:
        held = "no statement" if found is None else f"a statement of type {found[:200]!r}"
        raise VerificationError(
            Reason.PAYLOAD_TYPE if found is None else Reason.PREDICATE_TYPE,
            f"the signature is over {held}, not one of type {wanted!r}",
            remedy="Give the bundle of that attestation, or ask for no type if every kind is to count.",
        )
