"""Timestamps of certificate logs inside of certificates: signed by a trusted log, in its time, over this certificate."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.errors import VerificationError
from pyratify.core.key import Validity
from pyratify.core.reason import Reason
from pyratify.pki.asn1 import OCTET_STRING, encode
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.public_keys import PublicKey
from pyratify.pki.transparency.log import TrustedLog
from pyratify.pki.transparency.sct import verify_embedded
from pyratify.testing.certificates import authority, make_key
from pyratify.testing.sigstore_log import TestLog

AUTHORITY, OTHER = authority("issuer"), authority("issuer", which=1)
ISSUER = parse_certificate(AUTHORITY.der)
LOG, MORE = TestLog(make_key("p256", "ct"), "ct.test"), TestLog(make_key("p256", "ct 2"), "ct2.test")
UNKNOWN = TestLog(make_key("p256", "ct 3"), "ct3.test")
TAKEN = datetime(2026, 1, 1, 12, 0, 0, 345_000, tzinfo=UTC)
LIST = "1.3.6.1.4.1.11129.2.4.2"
Timestamp = Callable[[bytes], bytes]


def trusted(log: TestLog = LOG, **changes: Any) -> TrustedLog:
    """Return a log as a trusted root names it."""
    return replace(TrustedLog(PublicKey(log.key.public_key(), ""), log.log_id, name=log.name), **changes)


def spki(certificate: Certificate) -> bytes:
    """Return the hash of a certificate's public key."""
    return hashlib.sha256(
        certificate.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).digest()


def timestamp(
    log: TestLog = LOG,
    *,
    taken: datetime = TAKEN,
    extensions: bytes = b"",
    signed: dict[str, Any] | None = None,
) -> Timestamp:
    """Return what makes a timestamp for a certificate's body; `signed` replaces what the log signs of it (RFC 6962, 3.2)."""

    def make(body: bytes) -> bytes:
        said = {
            "taken": taken,
            "issuer": spki(ISSUER),
            "body": body,
            "extensions": extensions,
            "kind": 1,
            "version": 0,
        }
        said |= signed or {}
        message = (
            bytes((said["version"], 0))
            + round(said["taken"].timestamp() * 1000).to_bytes(8, "big")
            + said["kind"].to_bytes(2, "big")
            + said["issuer"]
            + len(said["body"]).to_bytes(3, "big")
            + said["body"]
            + len(said["extensions"]).to_bytes(2, "big")
            + said["extensions"]
        )
        signature = log.sign(message)
        return (
            b"\x00"
            + log.log_id
            + round(taken.timestamp() * 1000).to_bytes(8, "big")
            + len(extensions).to_bytes(2, "big")
            + extensions
            + b"\x04\x03"
            + len(signature).to_bytes(2, "big")
            + signature
        )

    return make


def certified(*timestamps: Timestamp, raw: bytes | None = None) -> Certificate:
    """Return a certificate with a list of these timestamps, without any where there are none; `raw` replaces the list."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ISSUER.parsed.subject)
        .public_key(make_key("p256", "signer").public_key())
        .serial_number(4711)
        .not_valid_before(TAKEN - timedelta(days=1))
        .not_valid_after(TAKEN + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("signer.test")]), critical=True)
    )
    if timestamps or raw is not None:
        body = builder.sign(AUTHORITY.key, SHA256()).tbs_certificate_bytes
        singles = [make(body) for make in timestamps]
        every = b"".join(len(single).to_bytes(2, "big") + single for single in singles)
        listed = encode(OCTET_STRING, len(every).to_bytes(2, "big") + every) if raw is None else raw
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(LIST), listed)
        builder = builder.add_extension(extension, critical=False)
    return parse_certificate(builder.sign(AUTHORITY.key, SHA256()).public_bytes(Encoding.DER))


def refusal(certificate: Certificate, *logs: TrustedLog, issuer: Certificate = ISSUER) -> str:
    """Return why a certificate is refused."""
    with pytest.raises(VerificationError) as caught:
        verify_embedded(certificate, issuer, logs or (trusted(),))
    assert caught.value.reason is Reason.SCT_INVALID
    return caught.value.message


@pytest.mark.parametrize("extensions", [b"", b"some extension"])
@pytest.mark.parametrize("log", [LOG, MORE], ids=["first", "second"])
def test_a_timestamp_of_a_trusted_log_counts(log: TestLog, extensions: bytes) -> None:
    """Milliseconds and extensions are signed with it."""
    certificate = certified(timestamp(log, extensions=extensions))
    assert verify_embedded(certificate, ISSUER, [trusted(LOG), trusted(MORE)]) == (log.log_id.hex(),)


@pytest.mark.parametrize(
    "signed",
    [
        {"taken": TAKEN + timedelta(milliseconds=1)},
        {"taken": TAKEN + timedelta(seconds=1)},
        {"issuer": spki(parse_certificate(OTHER.der))},
        {"body": b"another certificate"},
        {"extensions": b"x"},
        {"kind": 0},
        {"version": 1},
    ],
    ids=lambda signed: next(iter(signed)),
)
def test_the_log_signed_all_of_it(signed: dict[str, Any]) -> None:
    """Version, time, kind of entry, issuer, certificate and extensions: one that is another makes it void."""
    assert "key verifies" in refusal(certified(timestamp(signed=signed)))


def test_a_timestamp_under_another_issuer_is_void() -> None:
    """One of the same name with another key."""
    assert "key verifies" in refusal(certified(timestamp()), issuer=parse_certificate(OTHER.der))


def test_a_timestamp_by_another_key_is_void() -> None:
    """Under the identifier of a log that is trusted."""
    assert "key verifies" in refusal(certified(timestamp()), trusted(UNKNOWN, log_id=LOG.log_id))


def test_a_log_counts_in_the_period_of_its_key_only() -> None:
    """To the millisecond, both ends included."""
    certificate, step = certified(timestamp()), timedelta(milliseconds=1)
    assert verify_embedded(certificate, ISSUER, [trusted(validity=Validity(TAKEN, TAKEN))])
    for validity in (Validity(TAKEN + step), Validity(None, TAKEN - step)):
        assert "in the period of the key" in refusal(certificate, trusted(validity=validity))


def test_timestamps_of_logs_that_are_not_trusted_are_worth_nothing() -> None:
    """And harm nothing; neither does one that is void beside one that is good."""
    assert "no certificate transparency log that is trusted" in refusal(certified(timestamp(UNKNOWN)))
    void = timestamp(MORE, signed={"body": b""})
    logs = [trusted(LOG), trusted(MORE)]
    for order in ((timestamp(UNKNOWN), void, timestamp()), (timestamp(), void, timestamp(UNKNOWN))):
        assert verify_embedded(certified(*order), ISSUER, logs) == (LOG.log_id.hex(),)


def test_each_witness_counts_once() -> None:
    """Two timestamps of one log are one, and so are those of two logs of one operator."""
    both = certified(timestamp(), timestamp(MORE), timestamp())
    assert len(verify_embedded(both, ISSUER, [trusted(LOG), trusted(MORE)])) == 2
    assert len(verify_embedded(certified(timestamp(), timestamp()), ISSUER, [trusted()])) == 1
    one = [trusted(log, operator="who.test") for log in (LOG, MORE)]
    assert verify_embedded(both, ISSUER, one) == ("who.test",)


def test_a_certificate_without_timestamps_is_refused() -> None:
    """Without the extension, and with an empty list in it."""
    assert "has no certificate timestamp" in refusal(certified())
    refusal(certified(raw=encode(OCTET_STRING, b"\x00\x00")))


@pytest.mark.parametrize("raw", [b"", b"\x04", b"garbage", encode(OCTET_STRING, b"\x00\x05\x00\x03abc")])
def test_a_malformed_list_is_refused(raw: bytes) -> None:
    """As a malformed certificate, before any timestamp is looked at."""
    with pytest.raises(VerificationError) as caught:
        certified(raw=raw)
    assert caught.value.reason is Reason.CHAIN_INVALID


def test_the_number_of_timestamps_is_bounded() -> None:
    """Each may have to be verified."""
    most = [timestamp(UNKNOWN)] * 31
    assert verify_embedded(certified(*most, timestamp()), ISSUER, [trusted()])
    assert "more than 32" in refusal(certified(*most, timestamp(UNKNOWN), timestamp()))
