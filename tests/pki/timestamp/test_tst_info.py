"""Statements of timestamp authorities: the time, how far it may be off, and nothing that is not understood."""

from datetime import UTC, datetime, timedelta

import pytest

from pyratify.pki.asn1 import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    context,
    encode,
    encode_object_identifier,
)
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.tst_info import BASELINE_POLICY, TimestampInfo, parse_info

AT = datetime(2026, 1, 1, tzinfo=UTC)
SHA256 = "2.16.840.1.101.3.4.2.1"
HASHED = bytes(32)


def number(value: int) -> bytes:
    """Return the content of an integer."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def accuracy(seconds: int | None = None, millis: int | None = None, micros: int | None = None) -> bytes:
    """Return an accuracy with those of its three parts that are given (RFC 3161, section 2.4.2)."""
    tags = (INTEGER, context(0, constructed=False), context(1, constructed=False))
    given = zip(tags, (seconds, millis, micros), strict=True)
    return encode(SEQUENCE, b"".join(encode(tag, number(value)) for tag, value in given if value is not None))


def info(after: bytes = b"", policy: str = "1.2.3", version: int = 1, inside: bytes = b"") -> TimestampInfo:
    """Parse a statement; `after` follows its time, `inside` the hash."""
    algorithm = encode(SEQUENCE, encode_object_identifier(SHA256))
    return parse_info(
        encode(
            SEQUENCE,
            encode(INTEGER, number(version))
            + encode_object_identifier(policy)
            + encode(SEQUENCE, algorithm + encode(OCTET_STRING, HASHED) + inside)
            + encode(INTEGER, number(7))
            + encode(GENERALIZED_TIME, b"20260101000000Z")
            + after,
        )
    )


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        (accuracy(), timedelta(0)),
        (accuracy(2), timedelta(seconds=2)),
        (accuracy(None, 3), timedelta(milliseconds=3)),
        (accuracy(None, None, 4), timedelta(microseconds=4)),
        (accuracy(2, 3, 4), timedelta(seconds=2, milliseconds=3, microseconds=4)),
        (accuracy(0, 999, 999), timedelta(milliseconds=999, microseconds=999)),
        (accuracy(2**31 - 1), timedelta(seconds=2**31 - 1)),
    ],
)
@pytest.mark.parametrize("policy", ["1.2.3", BASELINE_POLICY])
def test_an_accuracy_is_the_sum_of_its_parts(stated: bytes, meant: timedelta, policy: str) -> None:
    """Each may be there or not; what is stated counts, whatever the policy would mean without it."""
    found = info(stated, policy)
    assert found.accuracy == meant
    if meant < timedelta(days=365):
        assert found.window == (AT - meant, AT + meant)


def test_without_an_accuracy_the_policy_decides() -> None:
    """One second under the baseline policy (ETSI TS 102 023), none under others."""
    assert info(policy=BASELINE_POLICY).accuracy == timedelta(seconds=1)
    assert info(policy=f"{BASELINE_POLICY}.1").accuracy == timedelta(0)


@pytest.mark.parametrize(
    "stated",
    [
        accuracy(-1),
        accuracy(2**31),
        accuracy(0, 1000),
        accuracy(0, -1),
        accuracy(0, 0, 1000),
        accuracy(0, 0, -1),
    ],
)
def test_an_accuracy_out_of_range_is_refused(stated: bytes) -> None:
    """A negative one would narrow the window, and more than 999 thousandths are another part's."""
    with pytest.raises(InvalidDer, match="accuracy is out of range"):
        info(stated)


def test_the_optional_parts_of_a_statement_come_in_their_order() -> None:
    """Accuracy, ordering, nonce, the authority's name, extensions that are not critical."""
    one = encode(SEQUENCE, encode_object_identifier("1.2.3.4") + encode(OCTET_STRING, b""))
    parts = (
        accuracy(1),
        encode(BOOLEAN, b"\xff"),
        encode(INTEGER, number(99)),
        encode(context(0), encode(context(4), encode(SEQUENCE, b""))),
        encode(context(1), one),
    )
    assert info(b"".join(parts)).time == AT
    for part in parts:
        assert info(part).time == AT
        with pytest.raises(InvalidDer):
            info(part * 2)
    with pytest.raises(InvalidDer):
        info(b"".join(reversed(parts)))


def test_nothing_follows_what_is_known() -> None:
    """Neither at the end of the statement nor beside the hash."""
    with pytest.raises(InvalidDer):
        info(encode(OCTET_STRING, b"more"))
    with pytest.raises(InvalidDer):
        info(inside=encode(OCTET_STRING, b"more"))
