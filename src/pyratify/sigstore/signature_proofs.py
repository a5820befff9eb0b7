"""Log entries and timestamps of a signature (Sigstore client specification, sections 4.2 and 4.4)."""

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.times import format_time
from pyratify.pki.transparency.entry_body import LoggedSignature, read_body
from pyratify.pki.transparency.log_entry import VerifiedLogEntry, verify_entry
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.signed_times import verify_signed_timestamp
from pyratify.sigstore.tlog_entries import read_entries
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.verification_material import Signed, VerificationMaterial


@dataclass(frozen=True, slots=True)
class SignatureProofs:
    """The verified log entries and timestamps of a signature.

    Attributes:
        times: When trusted logs and timestamp authorities saw the signature, earliest first.
        log_entries: Its entries in trusted logs.
        timestamps: How many distinct trusted authorities timestamped it.
        timestamp_error: Why a timestamp did not count.
    """

    times: tuple[datetime, ...]
    log_entries: tuple[VerifiedLogEntry, ...]
    timestamps: int
    timestamp_error: VerificationError | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the facts for a report."""
        return {
            "logEntries": [
                {"log": each.log.name or each.log.log_id.hex(), "logIndex": each.index}
                for each in self.log_entries
            ],
            "signedTimestamps": self.timestamps,
            "times": [format_time(time) for time in self.times],
        }


def verify_proofs(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial, now: datetime
) -> SignatureProofs:
    """Verify timestamps (4.2.1) and log entries (4.2.2), and count them (4.6, "Threshold verification").

    A timestamp or log entry that is not of a trusted authority or log is ignored; an entry of a trusted log that does not
    hold is refused, whatever else there is.

    Raises:
        VerificationError: A log entry does not hold, or there are too few entries or timestamps.
    """
    timestamps, timestamp_error = _verify_timestamps(material, requirements, trust, now)
    log_entries = _verify_log_entries(material, requirements, trust)
    # integratedTime counts only where the log promised it; otherwise it is not signed (sigstore_rekor.proto).
    times = [time for time, _ in timestamps] + [each.time for each in log_entries if each.time is not None]
    # Entries of Rekor v2 have no time of their own; timestamps say when the log's key had to be in use.
    for each in log_entries:
        if not all(each.log.validity.covers(time) for time in times):
            raise VerificationError(
                Reason.TIME_OUTSIDE_VALIDITY, "the log's key was not in use when the signature was made"
            )
    # Distinct: several stamps by one authority, or one operator, are one witness (4.6).
    authorities = len({authority for _, authority in timestamps})
    if authorities < requirements.timestamps:
        raise timestamp_error or VerificationError(
            Reason.TIME_SOURCE_MISSING,
            f"{authorities} of {requirements.timestamps} timestamps of distinct trusted authorities",
        )
    # Earliest first, so that equal evidence gives equal reports in whatever order it came.
    return SignatureProofs(tuple(sorted(times)), log_entries, authorities, timestamp_error)


def check_log_entries(
    material: VerificationMaterial, log_entries: Iterable[VerifiedLogEntry], verifier: bytes
) -> None:
    """Refuse an entry that is not about this very signature, signer and content (4.4, items 1 to 3).

    Args:
        material: The signature.
        log_entries: Its verified entries.
        verifier: The certificate or public key of the signer, in DER.

    Raises:
        VerificationError: `TLOG_ENTRY_MISMATCH`.
    """
    # The log proves that some signature was logged; without this, an entry of another could be attached.
    for each in log_entries:
        # Parsed only now: 4.2.2 says not to parse the body before the log's signature holds.
        logged = read_body(each.entry)
        if not hmac.compare_digest(logged.signature, material.signature):  # 4.4, item 1
            raise _mismatch("signature")
        if not hmac.compare_digest(logged.verifier, verifier):  # 4.4, item 2
            raise _mismatch("certificate or key")
        if not _is_about(logged, material.signed):  # 4.4, item 3
            raise _mismatch("content")


def _is_about(logged: LoggedSignature, signed: Signed) -> bool:
    if not logged.of_payload:
        # Also envelopes logged as hashedrekord: their digest is of the PAE (4.4, "DSSE-envelope bundles").
        digest = signed.digest(logged.algorithm)
    elif signed.payload is None:
        # An entry for an envelope beside a plain signature proves nothing about it.
        return False
    else:
        digest = Signed(signed.payload).digest(logged.algorithm)
    return digest is not None and hmac.compare_digest(digest, logged.digest)


def _verify_timestamps(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial, now: datetime
) -> tuple[list[tuple[datetime, str]], VerificationError | None]:
    good: list[tuple[datetime, str]] = []
    problem = None
    for response in material.timestamps if requirements.use_timestamps else ():
        try:
            good.append(
                verify_signed_timestamp(response, material.signature, trust.timestamp_authorities, now)
            )
        # Ignored unless it is needed: a bad stamp proves nothing, and what holds without it still holds.
        except VerificationError as error:
            problem = error
    return good, problem


def _verify_log_entries(
    material: VerificationMaterial, requirements: SignatureRequirements, trust: TrustedMaterial
) -> tuple[VerifiedLogEntry, ...]:
    if not requirements.logs:
        return ()
    entries = read_entries(material.entries)
    if not entries:
        raise VerificationError(
            Reason.TLOG_PROOF_INVALID, "the signature comes without an entry in a transparency log"
        )
    known = {log.log_id for log in trust.logs}
    # Entries of unknown logs are ignored; where all are of such logs, verifying the first gives the error that says so.
    examined = [each for each in entries if each.log_id in known] or list(entries[:1])
    found = tuple(verify_entry(each, trust.logs, need_proof=material.need_proof) for each in examined)
    # One operator counts once: "multiple entries in the same log" must not meet a threshold (4.6).
    distinct = len({each.log.witness for each in found})
    if distinct < requirements.logs:
        raise VerificationError(
            Reason.TLOG_THRESHOLD,
            f"the signature is in {distinct} independent logs, not in {requirements.logs}",
        )
    return found


def _mismatch(what: str) -> VerificationError:
    return VerificationError(Reason.TLOG_ENTRY_MISMATCH, f"the log entry is about another {what}")
