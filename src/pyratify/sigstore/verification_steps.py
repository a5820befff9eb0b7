"""The steps of verifying a signature with proofs (Sigstore client specification, section 4).

The order is the specification's, save that the issuer is looked at before the time and the signature before its log
entry, so that a refusal names what is wrong first: another instance of Sigstore, and a signature that does not fit.
Nothing is believed unless all steps hold.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyratify.core.errors import VerificationError
from pyratify.core.reason import CHANGED, Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.public_keys import PublicKey, spki_fingerprint
from pyratify.pki.times import format_time
from pyratify.pki.transparency.entry_body import Logged, read_body
from pyratify.pki.transparency.log_entry import Witnessed, verify_entry
from pyratify.pki.transparency.sct import verify_embedded
from pyratify.sigstore.fulcio import Signer, read_signer
from pyratify.sigstore.identity import IdentityMatcher, check_signer
from pyratify.sigstore.key_signature import check_period, is_signed
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.signed_times import verify_stamp
from pyratify.sigstore.signing_certificate import find_issuers, read_leaf
from pyratify.sigstore.tlog_entries import read_entries
from pyratify.sigstore.trusted_material import Authority, TrustedMaterial
from pyratify.sigstore.verification_material import VerificationMaterial


@dataclass(frozen=True, slots=True)
class Proofs:
    """What vouches for a signature besides its key.

    Attributes:
        times: When trusted parties saw it.
        witnessed: Its entries in trusted logs.
        stamps: How many distinct authorities stamped it.
        problem: Why a timestamp did not count.
    """

    times: tuple[datetime, ...]
    witnessed: tuple[Witnessed, ...]
    stamps: int
    problem: VerificationError | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the facts for a report."""
        return {
            "logEntries": [
                {"log": each.log.name or each.log.log_id.hex(), "logIndex": each.index}
                for each in self.witnessed
            ],
            "signedTimestamps": self.stamps,
            "times": [format_time(time) for time in self.times],
        }


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A signature all of whose steps held.

    Attributes:
        identity: The signer, the same for all signatures of his.
        facts: What is known besides, for the report.
    """

    identity: str
    facts: Mapping[str, Any] = field(hash=False)


def verify_keyless(
    material: VerificationMaterial,
    requirements: SignatureRequirements,
    trust: TrustedMaterial,
    matchers: tuple[IdentityMatcher, ...],
    now: datetime,
) -> Authenticated:
    """Verify a signature made with a certificate.

    Raises:
        VerificationError: A step does not hold.
    """
    leaf = read_leaf(material.certificate or b"")
    issuers = find_issuers(leaf, trust.authorities)  # 4.3, the path
    proofs = gather(material, requirements, trust, now)  # 4.2
    _require_time(proofs)
    issuer = _valid_at(leaf, issuers, proofs.times)  # 4.3, at each time
    certified = _certified(leaf, issuer, requirements, trust)
    signer = read_signer(leaf)  # 4.3, the policy
    check_signer(signer, matchers)
    check_signature(material, PublicKey(leaf.key, ""))  # 4.5
    check_entries(material, proofs.witnessed, leaf.der)  # 4.4
    return Authenticated(signer.identity, {**_said(signer, certified), **proofs.as_data()})


def verify_logged(
    material: VerificationMaterial,
    requirements: SignatureRequirements,
    trust: TrustedMaterial,
    key: PublicKey,
    now: datetime,
) -> Authenticated:
    """Verify the proofs of a signature that a configured key made.

    Raises:
        VerificationError: A step does not hold.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    proofs = gather(material, requirements, trust, now)
    check_period(key, proofs.times, now)
    check_entries(
        material,
        proofs.witnessed,
        key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )
    return Authenticated(spki_fingerprint(key.key), proofs.as_data())


def gather(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial, now: datetime
) -> Proofs:
    """Verify timestamps and log entries, and count them.

    A timestamp or log entry of somebody who is not trusted is worth nothing and harms nothing; an entry of a trusted log
    that does not hold is refused, whatever else there is.

    Raises:
        VerificationError: A log entry does not hold, or there are too few entries or timestamps.
    """
    stamped, problem = _stamps(material, requirements, trust, now)
    witnessed = _witnessed(material, requirements, trust)
    times = [time for time, _ in stamped] + [each.time for each in witnessed if each.time is not None]
    for each in witnessed:
        if not all(each.log.validity.covers(time) for time in times):
            raise VerificationError(
                Reason.TIME_OUTSIDE_VALIDITY, "the log's key was not in use when the signature was made"
            )
    stamps = len({authority for _, authority in stamped})
    if stamps < requirements.timestamps:
        raise problem or VerificationError(
            Reason.TIME_SOURCE_MISSING,
            f"{stamps} of {requirements.timestamps} timestamps of distinct trusted authorities",
        )
    return Proofs(tuple(sorted(times)), witnessed, stamps, problem)


def check_signature(material: VerificationMaterial, key: PublicKey) -> None:
    """Refuse a signature that the key did not make over exactly what is signed.

    Raises:
        VerificationError: `SIG_INVALID`.
    """
    if not is_signed(key, material.signed, material.signature):
        raise VerificationError(
            Reason.SIG_INVALID,
            "the signature was not made with the certificate's key over this content",
            remedy=CHANGED,
        )


def check_entries(material: VerificationMaterial, witnessed: Iterable[Witnessed], verifier: bytes) -> None:
    """Refuse an entry that is not about this very signature, signer and content (section 4.4).

    Raises:
        VerificationError: `TLOG_ENTRY_MISMATCH`.
    """
    for each in witnessed:
        logged = read_body(each.entry)
        if not hmac.compare_digest(logged.signature, material.signature):
            raise _mismatch("signature")
        if not hmac.compare_digest(logged.verifier, verifier):
            raise _mismatch("certificate or key")
        if not _is_about(logged, material):
            raise _mismatch("content")


def _is_about(logged: Logged, material: VerificationMaterial) -> bool:
    signed = material.signed
    if not logged.of_payload:
        digest = signed.digest(logged.algorithm)
    elif signed.payload is None:
        return False
    else:
        digest = type(signed)(signed.payload).digest(logged.algorithm)
    return digest is not None and hmac.compare_digest(digest, logged.digest)


def _stamps(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial, now: datetime
) -> tuple[list[tuple[datetime, str]], VerificationError | None]:
    good: list[tuple[datetime, str]] = []
    problem = None
    for response in material.timestamps if requirements.use_timestamps else ():
        try:
            good.append(verify_stamp(response, material.signature, trust.timestamp_authorities, now))
        except VerificationError as error:
            problem = error
    return good, problem


def _witnessed(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial
) -> tuple[Witnessed, ...]:
    if not requirements.logs:
        return ()
    entries = read_entries(material.entries)
    if not entries:
        raise VerificationError(
            Reason.TLOG_PROOF_INVALID, "the signature comes without an entry in a transparency log"
        )
    known = {log.log_id for log in trust.logs}
    # An entry of a log that nobody trusts is worth nothing; where all are of such logs, the first is refused for it.
    looked_at = [each for each in entries if each.log_id in known] or list(entries[:1])
    found = tuple(verify_entry(each, trust.logs, need_proof=material.need_proof) for each in looked_at)
    distinct = len({each.log.witness for each in found})
    if distinct < requirements.logs:
        raise VerificationError(
            Reason.TLOG_THRESHOLD,
            f"the signature is in {distinct} independent logs, not in {requirements.logs}",
        )
    return found


def _require_time(proofs: Proofs) -> None:
    if proofs.times:
        return
    raise proofs.problem or VerificationError(
        Reason.TIME_SOURCE_MISSING,
        "nobody who is trusted says when the signature was made: neither a timestamp nor a log's promise",
    )


def _valid_at(leaf: Certificate, issuers: tuple[Authority, ...], times: tuple[datetime, ...]) -> Authority:
    problem: VerificationError | None = None
    for issuer in issuers:
        try:
            for time in times:
                issuer.check_time(leaf, time)
        except VerificationError as error:
            problem = problem or error
        else:
            return issuer
    raise problem or VerificationError(Reason.CHAIN_UNTRUSTED, "there is no issuer")


def _certified(
    leaf: Certificate, issuer: Authority, requirements: SignatureRequirements, trust: TrustedMaterial
) -> tuple[str, ...]:
    if not requirements.certificate_logs:
        return ()
    found = verify_embedded(leaf, issuer.chain[0], trust.certificate_logs)
    if len(found) < requirements.certificate_logs:
        raise VerificationError(
            Reason.SCT_INVALID,
            f"the certificate is in {len(found)} independent logs, not in {requirements.certificate_logs}",
        )
    return found


def _said(signer: Signer, certified: tuple[str, ...]) -> dict[str, Any]:
    return {
        "certificateIdentity": signer.subject,
        "certificateOIDCIssuer": signer.issuer,
        "certificateExtensions": dict(sorted(signer.extensions.items())),
        "certificateLogs": len(certified),
    }


def _mismatch(what: str) -> VerificationError:
    return VerificationError(Reason.TLOG_ENTRY_MISMATCH, f"the log entry is about another {what}")
