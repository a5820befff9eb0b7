"""The steps of verifying a signature with proofs, numbered by the sections of the Sigstore client specification.

The order is the specification's, with two exceptions: the issuer (4.3) is looked up before the time (4.2), and the
signature (4.5) is verified before its log entry is compared (4.4). A refusal then names what is wrong first: another
instance of Sigstore, or a signature that does not fit. Nothing is believed unless all steps hold.
"""

from datetime import datetime
from typing import Any

from pyratify.core.errors import VerificationError
from pyratify.core.reason import CHANGED, Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.public_keys import PublicKey
from pyratify.pki.transparency.sct import verify_embedded
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.fulcio import CertificateSigner, read_signer
from pyratify.sigstore.identity import check_signer
from pyratify.sigstore.key_signature import check_period, is_signed
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.signature_proofs import SignatureProofs, check_log_entries, verify_proofs
from pyratify.sigstore.signing_certificate import find_issuers, read_leaf
from pyratify.sigstore.trusted_material import TrustedAuthority, TrustedMaterial
from pyratify.sigstore.verification_material import VerificationMaterial


def verify_certificate_signature(
    material: VerificationMaterial,
    requirements: SignatureRequirements,
    trust: TrustedMaterial,
    now: datetime,
) -> AuthenticatedSigner:
    """Verify a signature made with a certificate.

    Raises:
        VerificationError: A step does not hold.
    """
    leaf = read_leaf(material.certificate or b"")
    issuers = find_issuers(leaf, trust.authorities)  # 4.3: certification path
    proofs = verify_proofs(material, requirements, trust, now)  # 4.2: times of the signature
    _require_time(proofs)
    issuer = _issuer_valid_at(leaf, issuers, proofs.times)  # 4.3: hybrid model, at each of these times
    certificate_logs = _verify_scts(leaf, issuer, requirements, trust)  # 4.3: SignedCertificateTimestamp
    signer = read_signer(leaf)
    # After the chain: an identity that no trusted authority certified is only a claim.
    check_signer(signer, requirements.identities)  # 4.3: verification policy
    check_signature(material, PublicKey(leaf.key, ""))  # 4.5
    check_log_entries(material, proofs.log_entries, leaf.der)  # 4.4
    return AuthenticatedSigner(
        signer.identity,
        {**_certificate_facts(signer, certificate_logs), **proofs.as_data()},
        identity=signer.subject,
        issuer=signer.issuer,
        root=issuer.chain[-1].subject,
        signed_at=proofs.times[0],
    )


def verify_key_proofs(
    material: VerificationMaterial,
    requirements: SignatureRequirements,
    trust: TrustedMaterial,
    key: PublicKey,
    now: datetime,
) -> AuthenticatedSigner:
    """Verify the proofs of a signature whose maker, a configured key, is known already (4.5 came first).

    Raises:
        VerificationError: A step does not hold.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    proofs = verify_proofs(material, requirements, trust, now)  # 4.2
    check_period(key, proofs.times, now)
    # Entries of signatures by keys hold the public key in place of a certificate.
    der = key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    check_log_entries(material, proofs.log_entries, der)  # 4.4
    return AuthenticatedSigner(key.fingerprint, proofs.as_data(), signed_at=next(iter(proofs.times), None))


def check_signature(material: VerificationMaterial, key: PublicKey) -> None:
    """Refuse a signature that the key did not make over exactly what is signed (4.5).

    Raises:
        VerificationError: `SIG_INVALID`.
    """
    if not is_signed(key, material.signed, material.signature):
        raise VerificationError(
            Reason.SIG_INVALID,
            "the signature was not made with the certificate's key over this content",
            remedy=CHANGED,
        )


def _require_time(proofs: SignatureProofs) -> None:
    if proofs.times:
        return
    raise proofs.timestamp_error or VerificationError(
        Reason.TIME_SOURCE_MISSING,
        "nothing that is trusted says when the signature was made: neither a timestamp nor a log's promise",
    )


def _issuer_valid_at(
    leaf: Certificate, issuers: tuple[TrustedAuthority, ...], times: tuple[datetime, ...]
) -> TrustedAuthority:
    """Return the first issuer that was valid, with the leaf, at every time."""
    problem: VerificationError | None = None
    for issuer in issuers:
        try:
            # At each time: if one of them fails, verification fails (4.3).
            for time in times:
                issuer.check_time(leaf, time)
        except VerificationError as error:
            problem = problem or error
        else:
            return issuer
    raise problem or VerificationError(Reason.CHAIN_UNTRUSTED, "there is no issuer")


def _verify_scts(
    leaf: Certificate, issuer: TrustedAuthority, requirements: SignatureRequirements, trust: TrustedMaterial
) -> tuple[str, ...]:
    # Off by `ignoreCTLog`; zero logs have nothing to prove.
    if not requirements.certificate_logs:
        return ()
    # The issuer's key is part of what the log signed (RFC 6962, section 3.2).
    found = verify_embedded(leaf, issuer.chain[0], trust.certificate_logs)
    if len(found) < requirements.certificate_logs:
        raise VerificationError(
            Reason.SCT_INVALID,
            f"the certificate is in {len(found)} independent logs, not in {requirements.certificate_logs}",
        )
    return found


def _certificate_facts(signer: CertificateSigner, certificate_logs: tuple[str, ...]) -> dict[str, Any]:
    return {
        "certificateIdentity": signer.subject,
        "certificateOIDCIssuer": signer.issuer,
        "certificateExtensions": dict(sorted(signer.extensions.items())),
        "certificateLogs": len(certificate_logs),
    }
