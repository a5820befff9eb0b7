"""OCSP answers, taken apart: who may sign them, and what their one entry says."""

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import OCSPNonce, load_der_x509_certificate
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder

from pyratify.pki.asn1 import GENERALIZED_TIME, encode
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.revocation.certificate_status import Finding, RevocationUnknown
from pyratify.pki.revocation.ocsp import read_answer
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.revocation import NOW, entry_extension, make_answer, responder

ROOT = authority()
LEAF = signer(ROOT)
INVALIDITY_DATE = "2.5.29.24"


def read(answer: bytes, leaf: Issued = LEAF, root: Issued = ROOT) -> Finding:
    """Return what an answer says."""
    finding, _ = read_answer(answer, parse_certificate(leaf.der), parse_certificate(root.der), NOW, "here")
    return finding


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa-2048"])
@pytest.mark.parametrize("delegates", [False, True])
def test_an_answer_is_signed_by_the_issuer_or_a_responder_that_it_authorized(
    kind: str, by_name: bool, delegates: bool
) -> None:
    """Each kind of key, the responder named by its key or its subject."""
    root = authority(kind=kind)
    leaf = signer(root)
    by = responder(root) if delegates else None
    assert read(make_answer(leaf, root, by=by, by_name=by_name), leaf, root).revoked_at is None


def date(moment: datetime) -> bytes:
    """Return an invalidity date."""
    return encode(GENERALIZED_TIME, f"{moment:%Y%m%d%H%M%SZ}".encode())


def test_an_invalidity_date_is_read() -> None:
    """It belongs to the one entry."""
    edit = entry_extension(INVALIDITY_DATE, date(NOW - timedelta(days=3)))
    found = read(make_answer(LEAF, ROOT, status=OCSPCertStatus.REVOKED, entries=edit))
    assert found.invalid_from == NOW - timedelta(days=3)
    assert found.is_revoked(None)
    assert found.is_revoked(NOW - timedelta(days=3))
    assert not found.is_revoked(NOW - timedelta(days=4))


def test_without_an_invalidity_date_no_time_saves() -> None:
    """Revoked is revoked."""
    found = read(make_answer(LEAF, ROOT, status=OCSPCertStatus.REVOKED))
    assert found.invalid_from is None
    assert found.is_revoked(NOW - timedelta(days=400))


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda entry: entry + entry, "2 entries"),
        (lambda entry: b"", "0 entries"),
        (entry_extension("1.2.3.4", b"\x05\x00", critical=True), "critical extension"),
        (entry_extension(INVALIDITY_DATE, b"\x05\x00"), "malformed"),
        (lambda entry: entry[:-1], "malformed"),
    ],
    ids=["two", "none", "critical-extension", "bad-date", "cut-off"],
)
def test_an_answer_that_could_mean_more_says_nothing(edit, why: str) -> None:
    """One entry, and nothing critical in it that is not understood."""
    with pytest.raises(RevocationUnknown, match=why):
        read(make_answer(LEAF, ROOT, status=OCSPCertStatus.REVOKED, entries=edit))


def test_an_unknown_extension_that_is_not_critical_is_ignored() -> None:
    """As everywhere."""
    assert read(make_answer(LEAF, ROOT, entries=entry_extension("1.2.3.4", b"\x05\x00"))).revoked_at is None


@pytest.mark.parametrize("length", range(1, 250, 7))
def test_an_answer_that_is_cut_off_says_nothing(length: int) -> None:
    """Wherever it ends."""
    with pytest.raises(RevocationUnknown):
        read(make_answer(LEAF, ROOT)[:-length])


def test_a_responder_with_another_kind_of_key_is_refused() -> None:
    """It has the name and the certificate of a responder, and a key that cannot have made the signature."""
    answer = make_answer(LEAF, ROOT, by=responder(ROOT), by_name=True, bag=[responder(ROOT, kind="ed25519")])
    with pytest.raises(RevocationUnknown, match="neither RSA nor ECDSA"):
        read(answer)


def test_an_answer_with_a_critical_extension_says_nothing() -> None:
    """Of the answer as a whole."""
    builder = (
        OCSPResponseBuilder()
        .add_response(
            load_der_x509_certificate(LEAF.der),
            load_der_x509_certificate(ROOT.der),
            SHA1(),
            OCSPCertStatus.GOOD,
            NOW,
            None,
            None,
            None,
        )
        .responder_id(OCSPResponderEncoding.HASH, load_der_x509_certificate(ROOT.der))
        .add_extension(OCSPNonce(b"0123456789abcdef"), critical=True)
    )
    with pytest.raises(RevocationUnknown, match="critical extension"):
        read(builder.sign(ROOT.key, SHA256()).public_bytes(Encoding.DER))


def test_a_responder_with_a_weak_key_is_refused() -> None:
    """What is too weak for a signer is too weak for who speaks of it."""
    with pytest.raises(RevocationUnknown, match="1024 bits"):
        read(make_answer(LEAF, ROOT, by=responder(ROOT, kind="rsa-1024")))
