"""From the bytes of a layer to the statement in it, once a trusted signer is known to have made it."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.dsse import DsseEnvelope, read_dsse
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.bundle import parse_bundle
from pyratify.sigstore.in_toto import Statement, parse_statement, statement_of
from pyratify.sigstore.media_types import BUNDLE_FAMILY, IN_TOTO
from pyratify.sigstore.mismatch import keyless
from pyratify.sigstore.signed_content import material_of
from pyratify.sigstore.statement_formats import DSSE, MAX_ATTESTATION, MAX_TOKENS, is_envelope
from pyratify.sigstore.untrusted_certificate import read_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial

# cosign's annotation of layers under its tags.
CERTIFICATE = "dev.sigstore.cosign/certificate"
UNSIGNED = AuthenticatedSigner("", {"unsigned": True})
"""Stands for the signer of a statement that nothing signs."""


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement that a trusted signer made.

    Attributes:
        signer: The signer; `UNSIGNED` where plain statements are read.
        statement: What it says; not yet compared with any artifact.
    """

    signer: AuthenticatedSigner
    statement: Statement


def authenticate(
    raw: bytes, layer: Descriptor, artifact: Artifact, authenticator: Authenticator, budget: Budget
) -> SignedStatement:
    """Return the statement of a layer.

    Args:
        raw: The layer's bytes.
        layer: Its type, and the annotations with the proofs of envelopes that cosign attaches under a tag.
        artifact: What the layer is attached to.
        authenticator: Says which signers count.
        budget: What verifying may still cost.

    Raises:
        VerificationError: It is malformed, of another type, or no trusted signer made it.
    """
    # By the type in the checked manifest: untrusted bytes must not choose their own parser.
    if layer.media_type.startswith(BUNDLE_FAMILY):
        envelope, material = _bundle(raw, artifact)
    elif is_envelope(layer.media_type):
        envelope, material = _envelope(raw, layer, authenticator)
    else:
        raise VerificationError(
            Reason.MEDIATYPE_MISMATCH,
            f"a layer is of type {layer.media_type[:120]!r}, no attestation",
            remedy=f"Attach the file with its type, as oras attach ... FILE:{DSSE}.",
        )
    if material.certificate is not None and not authenticator.accepts_certificates:
        raise keyless()
    # Before the work: a budget that is spent afterwards bounds nothing.
    budget.spend(authenticator.cost(material))
    signer = authenticator.authenticate(material)
    # From here on the payload is a trusted signer's; until then not one byte of it was parsed.
    statement = parse_statement(envelope.payload, max_bytes=MAX_ATTESTATION, max_tokens=MAX_TOKENS)
    return SignedStatement(signer, statement)


def plain_statement(raw: bytes, layer: Descriptor) -> SignedStatement | None:
    """Return the statement of a layer that holds one as it is, as BuildKit writes them, without a signer; None for any other layer.

    Raises:
        VerificationError: It is malformed.
    """
    if layer.media_type != IN_TOTO:
        return None
    # Parsed once, with the bounds of statements: SBOMs have more tokens than envelopes may.
    document = json_fields.document(raw, "the attestation", MAX_ATTESTATION, MAX_TOKENS)
    return SignedStatement(UNSIGNED, statement_of(document)) if _is_plain(document) else None


def _is_plain(document: Mapping[str, Any]) -> bool:
    # in-toto Statement v1, `_type`; a DSSE envelope has `payload` in its place.
    return "_type" in document and "payload" not in document


def _bundle(raw: bytes, artifact: Artifact) -> tuple[DsseEnvelope, VerificationMaterial]:
    bundle = parse_bundle(raw, MAX_ATTESTATION)
    if not isinstance(bundle.content, DsseEnvelope):
        raise VerificationError(
            Reason.PAYLOAD_TYPE,
            "the bundle holds a plain signature of the image and no statement",
            remedy="Let a verifier of type cosign read it; an attestation is made with `cosign attest`.",
        )
    return bundle.content, material_of(bundle, artifact)


def _envelope(
    raw: bytes, layer: Descriptor, authenticator: Authenticator
) -> tuple[DsseEnvelope, VerificationMaterial]:
    document = json_fields.document(raw, "the attestation", MAX_ATTESTATION)
    if _is_plain(document):
        raise VerificationError(
            Reason.EVIDENCE_UNSIGNED, "it is a statement as it is, without an envelope that signs it"
        )
    envelope = read_dsse(document)
    # Of several, one could be the trusted signer's and another be shown (client specification, 4.4).
    if len(envelope.signatures) != 1:
        json_fields.malformed(f"the envelope has {len(envelope.signatures)} signatures, not exactly one")
    # The only type that is a statement; it is signed with the payload.
    if envelope.payload_type != IN_TOTO:
        raise VerificationError(
            Reason.PAYLOAD_TYPE, f"the envelope holds {envelope.payload_type[:120]!r}, not {IN_TOTO}"
        )
    pem = layer.annotations.get(CERTIFICATE)
    certificate = None if pem is None else read_certificate(pem.encode(), "the certificate annotation")
    signature = envelope.signatures[0]
    signed = Signed(envelope.signed, payload=envelope.payload)
    material = VerificationMaterial(signed, signature.value, certificate, hint=signature.keyid)
    if not authenticator.requirements.has_trust:
        return envelope, material
    from pyratify.sigstore.classic_annotations import with_proofs  # only where proofs are verified

    return envelope, with_proofs(material, layer.annotations)
