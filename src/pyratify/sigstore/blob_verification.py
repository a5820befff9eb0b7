"""Bundles that lie beside their artifact as files, without a registry (`cosign verify-blob`, `ratify verify-bundle`)."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.pki.dsse import DsseEnvelope
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.bundle import parse_bundle
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.in_toto import read_statement
from pyratify.sigstore.signed_content import material_of, signed_of


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
        VerificationError: The bundle is no evidence for the artifact; `PAYLOAD_TYPE` for another type.
    """
    bundle = parse_bundle(data)
    material = material_of(bundle, signed_of(bundle, artifact))
    signer, facts = authenticator.authenticate(material)
    claim = Claim()
    if isinstance(bundle.content, DsseEnvelope):
        claim = read_statement(bundle.content.payload, artifact)
    check_type(claim.predicate_type, predicate_type)
    said = {"predicateType": claim.predicate_type} if claim.predicate_type else {}
    return Details(
        f"1 trusted {authenticator.noun} signed this artifact",
        (signer,),
        {"format": "sigstore-bundle", **said, **facts},
    )


def check_type(found: str | None, wanted: str) -> None:
    """Refuse what is no statement of the type that is asked for; nothing where none is asked for.

    Raises:
        VerificationError: `PAYLOAD_TYPE`.
    """
    if wanted and found != wanted:
        held = "no statement" if found is None else f"a statement of type {found[:200]!r}"
        raise VerificationError(
            Reason.PAYLOAD_TYPE,
            f"the signature is over {held}, not one of type {wanted!r}",
            remedy="Give the bundle of that attestation, or ask for no type if every kind is to count.",
        )
