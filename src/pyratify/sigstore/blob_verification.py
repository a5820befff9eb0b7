"""Bundles that lie beside their artifact as files, without a registry (`cosign verify-blob`, `ratify verify-bundle`)."""

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.pki.dsse import DsseEnvelope
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.bundle import Bundle, parse_bundle
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.in_toto import parse_statement
from pyratify.sigstore.signed_content import material_of
from pyratify.sigstore.statement_formats import MAX_ATTESTATION, MAX_TOKENS


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
    bundle = parse_bundle(data, MAX_ATTESTATION)
    # First: a statement of an unknown signer is not even parsed.
    signer = authenticator.authenticate(material_of(bundle, artifact))
    claim = _claim(bundle, artifact)
    check_type(claim.predicate_type, predicate_type)
    kind = {"predicateType": claim.predicate_type} if claim.predicate_type else {}
    return Details(
        f"1 trusted {authenticator.signer_kind} signed this artifact",
        (signer.name,),
        {"format": "sigstore-bundle", **kind, **signer.common, **signer.facts},
    )


def _claim(bundle: Bundle, artifact: Artifact) -> Claim:
    if not isinstance(bundle.content, DsseEnvelope):
        return Claim()
    payload = bundle.content.payload
    return parse_statement(payload, max_bytes=MAX_ATTESTATION, max_tokens=MAX_TOKENS).claim(artifact)


def verify_envelope(
    data: bytes,
    layer: Descriptor,
    artifact: Artifact,
    authenticator: Authenticator,
    *,
    predicate_type: str = "",
) -> Details:
    """Verify a DSSE envelope for an artifact, as `verify_blob` does a bundle.

    Args:
        data: The envelope's bytes.
        layer: Its type, with what proves it in annotations, as a layer under a cosign tag has it.
        artifact: What the statement must be about.
        authenticator: Authenticates the signers that count.
        predicate_type: The only type of statement that counts; empty for every one.

    Raises:
        VerificationError: It is no evidence for the artifact; for another type as in `check_type`.
    """
    from pyratify.sigstore.statement_envelopes import authenticate  # most files are bundles

    signed = authenticate(data, layer, artifact, authenticator, Budget())
    claim = signed.statement.claim(artifact)
    check_type(claim.predicate_type, predicate_type)
    signer = signed.signer
    return Details(
        f"1 trusted {authenticator.signer_kind} signed this artifact",
        (signer.name,),
        {"format": "dsse", "predicateType": claim.predicate_type, **signer.common, **signer.facts},
    )


def check_type(found: str | None, wanted: str) -> None:
    """Refuse a claim of another type than the wanted one; an empty type accepts all.

    Raises:
        VerificationError: `PREDICATE_TYPE`: it is a statement of another type; `PAYLOAD_TYPE`: it is none.
    """
    # Signed for one purpose, shown for another: an SBOM must not pass where provenance is asked for.
    if wanted and found != wanted:
        raise of_another_type(found, wanted)


def of_another_type(found: str | None, wanted: str) -> VerificationError:
    """Return the refusal of a claim of another type than the wanted one; None is the type of what is no statement."""
    held = "no statement" if found is None else f"a statement of type {found[:200]!r}"
    return VerificationError(
        Reason.PAYLOAD_TYPE if found is None else Reason.PREDICATE_TYPE,
        f"the signature is over {held}, not one of type {wanted!r}",
        remedy="Give the bundle of that attestation, or ask for no type if every kind is to count.",
    )
