"""Entries of transparency logs as bundles hold them (sigstore_rekor.proto, protobuf's JSON mapping)."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyratify.pki.transparency.log_entry import InclusionProof, LogEntry
from pyratify.pki.transparency.merkle import MAX_PROOF
from pyratify.sigstore import json_fields

# protobuf's JSON mapping writes int64 as texts, and readers take numbers as well.
_MAX_NUMBER = 2**63 - 1
_PROOF = ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")


def read_entries(values: Iterable[Mapping[str, Any]]) -> tuple[LogEntry, ...]:
    """Read entries of a bundle, which were counted and whose members were checked before.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or `PARSE_LIMIT`.
    """
    return tuple(_entry(value) for value in values)


def _entry(value: Mapping[str, Any]) -> LogEntry:
    kind = json_fields.members(value.get("kindVersion"), "kindVersion", ("kind", "version"))
    log = json_fields.members(value.get("logId"), "logId", ("keyId",))
    promise = value.get("inclusionPromise")
    proof = value.get("inclusionProof")
    return LogEntry(
        # Unset is zero there; a first entry has the index 0 and lacks the member.
        _number(value.get("logIndex"), "logIndex"),
        json_fields.octets(log.get("keyId"), "keyId"),
        json_fields.text(kind.get("kind"), "kind"),
        json_fields.text(kind.get("version"), "version"),
        # 0 in Rekor v2, which has no integrated time (Rekor v2 specification, section 4.2).
        _number(value.get("integratedTime"), "integratedTime"),
        None if promise is None else _promise(promise),
        None if proof is None else _proof(proof),
        json_fields.octets(value.get("canonicalizedBody"), "canonicalizedBody"),
    )


def _promise(value: Any) -> bytes:
    name = "signedEntryTimestamp"
    return json_fields.octets(json_fields.members(value, "inclusionPromise", (name,)).get(name), name)


def _proof(value: Any) -> InclusionProof:
    proof = json_fields.members(value, "inclusionProof", _PROOF)
    hashes = json_fields.items(proof.get("hashes"), "hashes", MAX_PROOF)
    checkpoint = json_fields.members(proof.get("checkpoint", {}), "checkpoint", ("envelope",))
    # Empty in the oldest bundles, whose proofs `log_entry.py` only takes beside a promise.
    envelope = checkpoint.get("envelope", "")
    if not isinstance(envelope, str):
        json_fields.malformed("the checkpoint is not a text")
    return InclusionProof(
        _number(proof.get("logIndex"), "logIndex"),
        _number(proof.get("treeSize"), "treeSize"),
        json_fields.octets(proof.get("rootHash"), "rootHash"),
        tuple(json_fields.octets(each, "hashes") for each in hashes),
        envelope,
    )


def _number(value: Any, where: str) -> int:
    """Read an int64 that cannot be negative: a number or its decimal digits; zero where it is not set."""
    if value is None:
        return 0
    # isascii too: isdigit is true for other scripts, and int() reads them.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    # Not isinstance: True is an int.
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        json_fields.malformed(f"{where} is not a number, or out of range")
    return value
