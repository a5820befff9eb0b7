"""Entries of Rekor logs: the log's promise and the proof of inclusion (Rekor v1 and v2 specifications)."""

import json
from collections.abc import Iterable
from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.pki.times import InvalidTime, from_epoch
from pyratify.pki.transparency.log import TrustedLog, check_checkpoint
from pyratify.pki.transparency.merkle import check_inclusion
from pyratify.pki.transparency.note import parse_checkpoint

# Without white space and sorted, which is all of RFC 8785 that texts in ASCII and integers need.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
# Rekor v2 has neither promises nor integrated times (Rekor v2 specification, section 4.2).
WITH_PROMISE = (("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2"))
# Rekor v2 has this one kind (Rekor v2 specification, section 4.3; client specification, section 4.4).
UNDERSTOOD = (*WITH_PROMISE, ("hashedrekord", "0.0.2"))


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Proof that a tree holds an entry.

    Attributes:
        index: The entry's place in the tree of the log's shard.
        size: The tree's size.
        root: Its root hash.
        hashes: The audit path.
        checkpoint: The log's signed statement about the tree; empty in the oldest bundles.
    """

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log, as it accompanies a signature.

    Attributes:
        index: The entry's index over all shards of the log.
        log_id: The log's identifier.
        kind: Its declared kind, as `hashedrekord`.
        version: The version of that kind.
        integrated_time: When the log says that it included it, in seconds since 1970; 0 where it does not say.
        promise: The log's signature over body, time, identifier and index: the signed entry timestamp.
        proof: Proof of inclusion.
        body: The entry's canonical bytes.
    """

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated_time: int
    promise: bytes | None
    proof: InclusionProof | None
    body: bytes


@dataclass(frozen=True, slots=True)
class VerifiedLogEntry:
    """An entry whose promise or inclusion proof by a trusted log was verified.

    Attributes:
        entry: The entry.
        log: The log.
        time: When the log included it; None where that is not signed.
    """

    entry: LogEntry
    log: TrustedLog
    time: datetime | None

    @property
    def index(self) -> int:
        """The entry's index as far as the log signed one: over all shards where it promised, else in its shard."""
        return (
            self.entry.index if self.time is not None or self.entry.proof is None else self.entry.proof.index
        )


def verify_entry(entry: LogEntry, logs: Iterable[TrustedLog], *, need_proof: bool) -> VerifiedLogEntry:
    """Verify that a trusted log holds the entry.

    Args:
        entry: The entry; its body is not parsed.
        logs: The trusted logs.
        need_proof: Whether a promise alone does not suffice (bundles of version 0.2 and later).

    Raises:
        VerificationError: `TLOG_ENTRY_MISMATCH` for a kind that is not understood, `TLOG_PROOF_INVALID` or
            `TLOG_CHECKPOINT_INVALID`.
    """
    check_kind(entry)
    # By identifier, never by trying keys: an entry is evidence of the log that it names.
    log = next((log for log in logs if log.log_id == entry.log_id), None)
    if log is None:
        raise _invalid("the entry is of a transparency log that is not trusted")
    if entry.proof is None and need_proof:
        raise _invalid("the entry has no inclusion proof")
    if entry.proof is None and entry.promise is None:
        raise _invalid("the entry has neither an inclusion proof nor the log's promise")
    # integratedTime "MUST NOT be trusted if inclusion_promise is omitted" (sigstore_rekor.proto).
    time = _verify_promise(entry, log) if entry.promise is not None else None
    # The oldest bundles have proofs without a checkpoint: nothing signed, so worth nothing beside the promise.
    if entry.proof is not None and (entry.proof.checkpoint or need_proof or time is None):
        _check_proof(entry, entry.proof, log)
    return VerifiedLogEntry(entry, log, time)


def check_kind(entry: LogEntry) -> None:
    """Refuse an entry of a kind or version that is not understood.

    Raises:
        VerificationError: `TLOG_ENTRY_MISMATCH`.
    """
    if (entry.kind, entry.version) not in UNDERSTOOD:
        understood = ", ".join(f"{kind} {version}" for kind, version in UNDERSTOOD)
        raise VerificationError(
            Reason.TLOG_ENTRY_MISMATCH,
            f"the log entry is of kind {entry.kind[:40]!a} in version {entry.version[:20]!a}, and only these are understood: "
            f"{understood}",
            remedy="Sign again with a current signing tool, which writes an entry of one of these kinds.",
        )


def _verify_promise(entry: LogEntry, log: TrustedLog) -> datetime:
    """Verify the signed entry timestamp and return its time (Rekor v1)."""
    # In v2 there is none (4.2): one that is there would be a time nothing vouches for.
    if (entry.kind, entry.version) not in WITH_PROMISE:
        raise _invalid(f"logs make no promise for entries of kind {entry.kind[:40]} {entry.version[:20]}")
    try:
        time = from_epoch(entry.integrated_time)
    except InvalidTime:
        raise _invalid("the entry's time is no point in time") from None
    if not log.verify(promised_bytes(entry), entry.promise or b""):
        raise _invalid("the log's promise (signed entry timestamp) is not its signature over the entry")
    # A key may leak after its period; a promise with a time outside was not made by the log.
    if not log.validity.covers(time):
        raise VerificationError(
            Reason.TIME_OUTSIDE_VALIDITY, "the entry's time is outside of the period of the log's key"
        )
    return time


def promised_bytes(entry: LogEntry) -> bytes:
    """Return what a signed entry timestamp is made over: canonical JSON (RFC 8785)."""
    document = {
        "body": encode_base64(entry.body),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    return _CANONICAL.encode(document).encode("ascii")


def _check_proof(entry: LogEntry, proof: InclusionProof, log: TrustedLog) -> None:
    if not proof.checkpoint:
        raise _invalid("the inclusion proof has no checkpoint")
    second = (entry.kind, entry.version) not in WITH_PROMISE
    if second and entry.index != proof.index:  # without shards behind one name there is one index only
        raise _invalid("the entry and its inclusion proof have different indices")
    # The root hash of the proof itself is not signed, so alone it proves nothing.
    checkpoint = parse_checkpoint(proof.checkpoint)
    check_checkpoint(checkpoint, log, named=second)
    # The signed tree must be the proof's: otherwise a genuine checkpoint would cover for any tree.
    if (checkpoint.size, checkpoint.root) != (proof.size, proof.root):
        raise VerificationError(
            Reason.TLOG_CHECKPOINT_INVALID, "the log's checkpoint is about another tree than the proof"
        )
    check_inclusion(entry.body, proof.index, proof.size, proof.hashes, proof.root)


def _invalid(message: str) -> VerificationError:
    return VerificationError(Reason.TLOG_PROOF_INVALID, message)
