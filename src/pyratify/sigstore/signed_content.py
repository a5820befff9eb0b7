"""From a parsed bundle to verification material, and after authentication to its claim."""

import hmac
from collections.abc import Mapping
from itertools import pairwise

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.dsse import DsseEnvelope
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.bundle import Bundle, MessageSignature
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.in_toto import read_statement
from pyratify.sigstore.media_types import HASHES, IN_TOTO
from pyratify.sigstore.untrusted_certificate import check_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial


def material_of(bundle: Bundle, artifact: Artifact) -> VerificationMaterial:
    """Return a bundle's signature with its proofs, as a signature of this artifact.

    Raises:
        VerificationError: `SIG_INVALID` for another artifact's digest, `PAYLOAD_TYPE` for an envelope of anything else than a
            statement, `ENVELOPE_MALFORMED` for a malformed certificate, `CHAIN_UNTRUSTED` for a root beside it.
    """
    content = bundle.content
    # The artifact's digest first: a bundle for another artifact is refused before X.509 is parsed.
    signed = _signed(bundle, artifact)
    for der in bundle.certificates:
        check_certificate(der)
    _check_chain(bundle)
    return VerificationMaterial(
        signed,
        content.signatures[0].value if isinstance(content, DsseEnvelope) else content.signature,
        bundle.certificates[0] if bundle.certificates else None,
        bundle.log_entries,
        bundle.timestamps,
        bundle.need_proof,
        _hint(bundle),
    )


def claim_of(bundle: Bundle, artifact: Artifact) -> Claim:
    """Return what an authenticated bundle says of the artifact: its statement, or nothing for a message signature.

    Only after an `Authenticator` accepted the bundle's material: a statement that is not authentic is not read.

    Raises:
        VerificationError: As `read_statement`.
    """
    if isinstance(bundle.content, DsseEnvelope):
        return read_statement(bundle.content.payload, artifact)
    return Claim()


def _signed(bundle: Bundle, artifact: Artifact) -> Signed:
    content = bundle.content
    if not isinstance(content, DsseEnvelope):
        return _signed_message(content, artifact)
    # The only type allowed in bundles (client specification, 4.5); it is signed with the payload.
    if content.payload_type != IN_TOTO:
        raise VerificationError(
            Reason.PAYLOAD_TYPE, f"the envelope holds {content.payload_type[:120]!r}, not {IN_TOTO}"
        )
    # The PAE, not the payload: it binds type and payload together (DSSE, protocol.md).
    return Signed(content.signed, payload=content.payload)


def _signed_message(message: MessageSignature, artifact: Artifact) -> Signed:
    algorithm = HASHES.get(message.algorithm)
    if algorithm is None:
        raise VerificationError(
            Reason.SIG_INVALID, f"the message digest is of an unknown algorithm: {message.algorithm[:80]!r}"
        )
    known: Mapping[str, bytes] = {artifact.digest.algorithm: bytes.fromhex(artifact.digest.hex)}
    actual = artifact.digest_by(algorithm)
    # The stated digest proves nothing: it only has to agree with the artifact's own.
    if actual is None or not hmac.compare_digest(bytes.fromhex(actual.hex), message.digest):
        raise VerificationError(
            Reason.SIG_INVALID,
            f"the bundle is of {algorithm}:{message.digest.hex()[:128]}, and the artifact is {actual or artifact.digest}",
            remedy="Give the artifact that was signed, or the bundle that was made of this one.",
        )
    # Bytes where they are known: Ed25519 cannot be verified with a digest.
    return Signed(artifact.data, known, algorithm=algorithm)


def _hint(bundle: Bundle) -> str:
    content = bundle.content
    return bundle.hint or (content.signatures[0].keyid if isinstance(content, DsseEnvelope) else "")


def _check_chain(bundle: Bundle) -> None:
    """Refuse a root beside the signer's certificate, save at the end of a whole chain of version 0.1, where it is ignored.

    Only the configuration says which roots are trusted. Programs that wrote version 0.1 put what the authority answered
    into bundles, as npm did, and verifiers should ignore that root (sigstore_bundle.proto, `x509_certificate_chain`).
    """
    if len(bundle.certificates) < 2:
        return
    # Lazy: one certificate, the usual case, has no issuers to look at.
    from pyratify.pki.certificates import parse_certificate

    issuers = [parse_certificate(der) for der in bundle.certificates[1:]]
    roots = [number for number, issuer in enumerate(issuers, 1) if issuer.is_self_signed]
    if not roots:
        return
    chain = (parse_certificate(bundle.certificates[0]), *issuers)
    is_whole = all(child.is_issued_by(issuer) for child, issuer in pairwise(chain))
    # need_proof is the version: only 0.1 is excused.
    if bundle.need_proof or roots != [len(issuers)] or not is_whole:
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            "the bundle brings a root certificate of its own, where only the configuration may name one",
        )
