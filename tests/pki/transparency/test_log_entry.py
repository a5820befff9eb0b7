"""Entries of logs: a promise and a proof, each held against the one log that the entry names (Rekor v1 and v2)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.key import Validity
from pyratify.core.reason import Reason
from pyratify.pki.encoding import decode_base64
from pyratify.pki.public_keys import PublicKey
from pyratify.pki.transparency.log import TrustedLog
from pyratify.pki.transparency.log_entry import InclusionProof, LogEntry, promised_bytes, verify_entry
from pyratify.pki.transparency.merkle import leaf_hash, node_hash
from pyratify.testing.certificates import make_key
from pyratify.testing.sigstore_log import TestLog

FIRST = TestLog(make_key("p256", "rekor"), "rekor.test")
SECOND = TestLog(make_key("ed25519", "rekor 2"), "log2.test")
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
BODY = b'{"an":"entry"}'


def trusted(log: TestLog, **changes: Any) -> TrustedLog:
    """Return a log as a trusted root names it."""
    return replace(TrustedLog(PublicKey(log.key.public_key(), ""), log.log_id, name=log.name), **changes)


LOGS = (trusted(SECOND), trusted(FIRST))


def proof_of(given: Mapping[str, Any], **changes: Any) -> InclusionProof:
    """Return a proof of the test kit, read."""
    proof = InclusionProof(
        int(given["logIndex"]),
        int(given["treeSize"]),
        decode_base64(given["rootHash"]),
        tuple(map(decode_base64, given["hashes"])),
        given["checkpoint"]["envelope"],
    )
    return replace(proof, **changes)


def first(kind: str = "hashedrekord", version: str = "0.0.1", **changes: Any) -> LogEntry:
    """Return an entry of the first kind of log, with its promise and its proof."""
    promise, proof = FIRST.promise(BODY, AT, index=77), proof_of(FIRST.proof(BODY))
    entry = LogEntry(77, FIRST.log_id, kind, version, int(AT.timestamp()), promise, proof, BODY)
    return replace(entry, **changes)


def second(**changes: Any) -> LogEntry:
    """Return an entry of the second kind of log, with its proof alone."""
    proof = proof_of(SECOND.proof(BODY))
    entry = LogEntry(1, SECOND.log_id, "hashedrekord", "0.0.2", 0, None, proof, BODY)
    return replace(entry, **changes)


def refusal(
    entry: LogEntry, *logs: TrustedLog, need_proof: bool = True, reason: Reason = Reason.TLOG_PROOF_INVALID
) -> str:
    """Return why an entry is refused; it has to be, and for this reason."""
    with pytest.raises(VerificationError) as caught:
        verify_entry(entry, logs or LOGS, need_proof=need_proof)
    assert caught.value.reason is reason
    return caught.value.message


def test_a_promise_says_when_and_where() -> None:
    """The time and the index over all shards are what the log signed."""
    found = verify_entry(first(), LOGS, need_proof=True)
    assert (found.time, found.index, found.log.name) == (AT, 77, "rekor.test")


def test_a_proof_alone_says_where_and_not_when() -> None:
    """The entry's own time and index over all shards are signed by no log, so neither is told."""
    found = verify_entry(first(promise=None), LOGS, need_proof=True)
    assert (found.time, found.index) == (None, 1)
    found = verify_entry(second(integrated_time=int(AT.timestamp())), LOGS, need_proof=True)
    assert (found.time, found.index, found.log.name) == (None, 1, "log2.test")


def test_a_promise_alone_is_enough_for_the_oldest_bundles_only() -> None:
    """Version 0.1 and classic signatures; everything since has proofs."""
    entry = first(proof=None)
    assert verify_entry(entry, LOGS, need_proof=False).index == 77
    assert "no inclusion proof" in refusal(entry)


def test_an_entry_that_nothing_vouches_for_is_refused() -> None:
    """Neither promise nor proof."""
    for need_proof in (True, False):
        assert "proof" in refusal(first(promise=None, proof=None), need_proof=need_proof)


def test_a_proof_that_no_checkpoint_signs_proves_nothing() -> None:
    """An old bundle's entry without a promise: its hashes lead to a root that only the bundle itself names."""
    unproved = first(promise=None, proof=proof_of(FIRST.proof(BODY), checkpoint=""))
    assert "has no checkpoint" in refusal(unproved, need_proof=False)
    assert "has no checkpoint" in refusal(unproved)
    made_up = replace(
        unproved, body=b"never logged", proof=InclusionProof(0, 1, leaf_hash(b"never logged"), (), "")
    )
    assert "has no checkpoint" in refusal(made_up, need_proof=False)


def test_a_proof_without_a_checkpoint_is_worth_nothing_beside_a_promise() -> None:
    """The oldest bundles have such proofs: they neither help nor harm, and do not suffice since version 0.2."""
    bare = proof_of(FIRST.proof(BODY), checkpoint="", root=bytes(32))
    assert verify_entry(first(proof=bare), LOGS, need_proof=False).time == AT
    assert "has no checkpoint" in refusal(first(proof=bare))


@pytest.mark.parametrize("need_proof", [True, False])
def test_a_proof_with_a_checkpoint_holds_even_beside_a_promise(need_proof: bool) -> None:
    """What is claimed and signed must be so, whatever else there is."""
    broken = proof_of(FIRST.proof(BODY), hashes=(bytes(32),))
    assert "does not lead to the root hash" in refusal(first(proof=broken), need_proof=need_proof)


def test_an_entry_is_held_against_the_log_that_it_names() -> None:
    """A log that is not trusted, and a trusted one whose key did not sign it."""
    assert "not trusted" in refusal(first(), trusted(SECOND))
    assert "not trusted" in refusal(first(log_id=b"unknown"))
    taken = trusted(SECOND, log_id=FIRST.log_id)
    assert "promise" in refusal(first(), taken)
    refusal(first(promise=None), taken, reason=Reason.TLOG_CHECKPOINT_INVALID)


@pytest.mark.parametrize("proved", [True, False])
def test_a_promise_counts_for_kinds_of_the_first_log_alone(proved: bool) -> None:
    """A log of version 2 promises nothing and knows no time, so what looks like its promise is refused."""
    changes = {} if proved else {"proof": None}
    for kind, version in (("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2")):
        assert verify_entry(first(kind, version, **changes), LOGS, need_proof=proved).time == AT
    assert "make no promise" in refusal(first("hashedrekord", "0.0.2", **changes), need_proof=proved)


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("dsse", "0.0.2"),
        ("intoto", "0.0.1"),
        ("rekord", "0.0.1"),
        ("hashedrekord", ""),
        ("", "0.0.1"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("promised", [True, False])
def test_an_entry_of_a_kind_that_is_not_understood_is_refused(
    kind: str, version: str, promised: bool
) -> None:
    """Before its promise and its proof are looked at (client specification, section 4.4)."""
    entry = first(kind, version) if promised else first(kind, version, promise=None)
    assert "only these are understood" in refusal(entry, reason=Reason.TLOG_ENTRY_MISMATCH)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": BODY + b" "},
        {"integrated_time": int(AT.timestamp()) + 1},
        {"index": 78},
        {"promise": FIRST.promise(BODY, AT, index=78)},
        {"promise": b"nothing"},
        {"promise": b""},
    ],
    ids=["body", "time", "index", "another-promise", "no-signature", "empty"],
)
def test_a_promise_is_over_body_time_log_and_index(changes: dict[str, Any]) -> None:
    """Each of them is signed; one that is another makes the promise void."""
    assert "signed entry timestamp" in refusal(first(proof=None, **changes), need_proof=False)


def test_what_is_promised_is_canonical_json() -> None:
    """Keys in order, no blanks, the identifier in hexadecimal (RFC 8785)."""
    assert promised_bytes(first(log_id=b"\x0a\xff", index=5, integrated_time=9)) == (
        b'{"body":"eyJhbiI6ImVudHJ5In0=","integratedTime":9,"logID":"0aff","logIndex":5}'
    )


@pytest.mark.parametrize("seconds", [2**38, 2**63 - 1])
def test_a_time_that_no_calendar_has_is_refused(seconds: int) -> None:
    """Though the log signed it."""
    promise = FIRST.sign(promised_bytes(first(integrated_time=seconds)))
    assert "no point in time" in refusal(first(integrated_time=seconds, promise=promise))


@pytest.mark.parametrize(
    "validity",
    [Validity(end=datetime(2025, 12, 31, tzinfo=UTC)), Validity(start=datetime(2026, 2, 1, tzinfo=UTC))],
)
def test_a_promise_outside_of_the_period_of_the_log_s_key_is_refused(validity: Validity) -> None:
    """A key that was retired may have been stolen since."""
    log = trusted(FIRST, validity=validity)
    refusal(first(), log, reason=Reason.TIME_OUTSIDE_VALIDITY)
    assert verify_entry(first(), [trusted(FIRST, validity=Validity(AT, AT))], need_proof=True).time == AT


def test_an_entry_of_the_second_log_has_one_index() -> None:
    """Its own and its proof's are the same; shards of the first log count from zero each."""
    assert "different indices" in refusal(second(index=2))
    assert verify_entry(first(), LOGS, need_proof=True).index == 77


def test_the_second_log_s_checkpoints_have_the_name_that_is_trusted() -> None:
    """An origin of another name, with the key name that goes with it, is another log's, though the key be the same."""
    other = TestLog(SECOND.key, "evil.test")
    text = other.checkpoint(2, proof_of(SECOND.proof(BODY)).root)
    note = text.partition("\n\n")[0] + "\n"
    hinted = TestLog(SECOND.key, "log2.test").signature_line(note).replace("log2.test", "evil.test")
    entry = second(proof=proof_of(SECOND.proof(BODY), checkpoint=f"{note}\n{hinted}"))
    assert "is not the trusted log" in refusal(entry, reason=Reason.TLOG_CHECKPOINT_INVALID)
    assert verify_entry(entry, [trusted(SECOND, name="evil.test")], need_proof=True).index == 1


@pytest.mark.parametrize("changes", [{"size": 3}, {"root": bytes(32)}], ids=["size", "root"])
def test_a_checkpoint_of_another_tree_is_refused(changes: dict[str, Any]) -> None:
    """Size and root hash are the proof's, both."""
    for entry, log in ((first(), FIRST), (second(), SECOND)):
        refusal(
            replace(entry, proof=proof_of(log.proof(BODY), **changes)), reason=Reason.TLOG_CHECKPOINT_INVALID
        )


def test_an_entry_that_the_tree_does_not_hold_is_refused() -> None:
    """The checkpoint is the log's, and the entry is not below its root."""
    assert "does not lead" in refusal(second(body=BODY + b" "))
    assert "does not lead" in refusal(first(body=BODY + b" ", promise=None))
    inner = node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    assert "shorter than the tree" in refusal(second(proof=proof_of(SECOND.proof(BODY), hashes=())))
    assert "longer than the tree" in refusal(
        second(proof=proof_of(SECOND.proof(BODY), hashes=(*proof_of(SECOND.proof(BODY)).hashes, inner)))
    )
