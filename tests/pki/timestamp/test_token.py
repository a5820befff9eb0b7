"""Timestamp tokens: a good one says its time, and each fault is named."""

import contextlib
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509 import load_der_x509_certificate
from rfc3161_client import VerificationError as OracleRefuses
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.asn1 import GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE, UTC_TIME, context, encode
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.der import read_element, read_elements
from pyratify.pki.timestamp.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from pyratify.pki.timestamp.response import token_of
from pyratify.pki.timestamp.signer_path import find_path
from pyratify.pki.timestamp.token import MAX_TOKEN, Timestamp, verify_timestamp
from pyratify.pki.timestamp.tst_info import BASELINE_POLICY
from pyratify.testing.certificates import Issued, authority
from pyratify.testing.timestamps import (
    STAMPED_AT,
    TokenRecipe,
    certificate_id,
    make_response,
    make_token,
    timestamp_authority,
)

ROOT = authority("tsa root")
MIDDLE = authority("tsa middle", issuer=ROOT)
TSA = timestamp_authority(MIDDLE)
OTHER = timestamp_authority(authority("other root"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
MESSAGE = b"a signature"


def verify(token: bytes, anchor: Issued = ROOT, message: bytes = MESSAGE) -> Timestamp:
    """Verify a token with one trusted root."""
    return verify_timestamp(token, message, (parse_certificate(anchor.der),), NOW)


def refused(recipe: TokenRecipe, tsa: Issued = TSA) -> str:
    """Return why a token is refused."""
    with pytest.raises(VerificationError) as caught:
        verify(make_token(tsa, MESSAGE, recipe))
    assert caught.value.reason is Reason.TIMESTAMP_INVALID
    return caught.value.message


def attribute(kind: str, value: bytes | None) -> TokenRecipe:
    """Return a recipe with another value of one signed attribute, or without it."""

    def edit(attributes: dict[str, bytes]) -> dict[str, bytes]:
        rest = {oid: der for oid, der in attributes.items() if oid != kind}
        return rest if value is None else rest | {kind: value}

    return TokenRecipe(attributes=edit)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa-2048"])
def test_a_good_token_says_when_the_message_existed(kind: str, digest: str) -> None:
    """Every kind of key with every hash; the chain is the authority's, to the trusted root."""
    tsa = timestamp_authority(MIDDLE, kind=kind)
    found = verify(make_token(tsa, MESSAGE, TokenRecipe(digest=digest, hash=digest)))
    assert found.time == found.earliest == found.latest == STAMPED_AT
    assert [certificate.der for certificate in found.chain.certificates] == list(tsa.chain)


@pytest.mark.parametrize(
    ("recipe", "seconds"),
    [
        (TokenRecipe(accuracy=3), 3),
        (TokenRecipe(policy=BASELINE_POLICY), 1),
        (TokenRecipe(policy=BASELINE_POLICY, accuracy=2), 2),
        (TokenRecipe(), 0),
    ],
    ids=["stated", "baseline-policy", "stated-under-baseline", "none"],
)
def test_the_accuracy_widens_the_time_both_ways(recipe: TokenRecipe, seconds: int) -> None:
    """As stated, else one second under the baseline policy, else none."""
    found = verify(make_token(TSA, MESSAGE, recipe))
    assert (found.earliest, found.latest) == (
        STAMPED_AT - timedelta(seconds=seconds),
        STAMPED_AT + timedelta(seconds=seconds),
    )


def test_the_order_and_company_of_certificates_in_the_token_do_not_matter() -> None:
    """A bag is a set: reversed, without the root, and with a stranger's chain in it."""
    recipe = TokenRecipe(certificates=lambda bag: (*OTHER.chain, *reversed(bag[:-1])))
    assert [c.der for c in verify(make_token(TSA, MESSAGE, recipe)).chain.certificates] == list(TSA.chain)


def test_an_anchor_between_leaf_and_root_is_no_root() -> None:
    """The chain must end with a self-signed root that is trusted."""
    with pytest.raises(VerificationError, match="does not end with a self-signed root"):
        verify(make_token(TSA, MESSAGE), MIDDLE)


def without_attributes(signer: bytes) -> bytes:
    """Return signer information without its signed attributes."""
    parts = read_elements(read_element(signer, SEQUENCE).content)
    kept = (encode(part.tag, part.content) for part in parts if part.tag != context(0))
    return encode(SEQUENCE, b"".join(kept))


def twice(attributes: dict[str, bytes]) -> dict[str, bytes]:
    """Return a content type of two values."""
    return attributes | {CONTENT_TYPE: attributes[CONTENT_TYPE] * 2}


def extension(critical: str) -> bytes:
    """Return extensions of a statement, one of them, critical or not."""
    one = encode(SEQUENCE, bytes.fromhex("06032a0304" + critical + "04020500"))
    return encode(context(1), one)


def other_serial(certificate: bytes) -> bytes:
    """Return a certificate's identifier with the right hash and another serial number."""
    parsed = load_der_x509_certificate(certificate)
    name = encode(SEQUENCE, encode(context(4), parsed.issuer.public_bytes()))
    issuer_serial = encode(SEQUENCE, name + encode(INTEGER, b"\x07"))
    hashed = encode(OCTET_STRING, hashlib.sha256(certificate).digest())
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, hashed + issuer_serial)))


def v1(certificate: bytes) -> bytes:
    """Return a signing-certificate attribute of the first version, which hashes with SHA-1."""
    hashed = encode(OCTET_STRING, hashlib.sha1(certificate).digest())
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, hashed)))


FAULTS = {
    "eleven-signatures": (TokenRecipe(copies=11), "more than 10 signatures"),
    "too-many-certificates": (
        TokenRecipe(certificates=lambda bag: bag * 7),
        "more than 20 certificates",
    ),
    "no-signed-attributes": (TokenRecipe(signer=without_attributes), "no signed attributes"),
    "two-values": (TokenRecipe(attributes=twice), "not exactly one value"),
    "critical-extension": (TokenRecipe(extra=extension("0101ff")), "critical extension"),
    "serial-of-another": (
        attribute(SIGNING_CERTIFICATE_V2, other_serial(TSA.der)),
        "another issuer or serial number",
    ),
    "another-message": (TokenRecipe(imprint=lambda digest: bytes(len(digest))), "made for something else"),
    "short-imprint": (TokenRecipe(imprint=lambda digest: digest[:-1]), "made for something else"),
    "sha1-imprint": (TokenRecipe(hash="sha1"), "a hash other than"),
    "sha1-signature": (TokenRecipe(digest="sha1"), "digest is not SHA-256"),
    "version-2": (TokenRecipe(version=2), "version is 2"),
    "two-signatures": (TokenRecipe(copies=2), "2 signatures"),
    "no-signature": (TokenRecipe(copies=0), "0 signatures"),
    "any-signature": (TokenRecipe(signature=lambda s: s[:-1] + bytes((s[-1] ^ 1,))), "signature is not"),
    "other-content": (
        TokenRecipe(content=lambda c: c.replace(b"20260101", b"20250101")),
        "message-digest attribute is not",
    ),
    "no-certificates": (TokenRecipe(certificates=lambda bag: ()), "in the token 0 times"),
    "no-bag": (TokenRecipe(certificates=lambda bag: None), "in the token 0 times"),
    "others-serial": (TokenRecipe(serial=lambda number: number + 1), "in the token 0 times"),
    "future": (TokenRecipe(time=NOW + timedelta(hours=1)), "in the future"),
    "before-the-certificates": (TokenRecipe(time=datetime(2019, 6, 1, tzinfo=UTC)), "is valid from"),
    "accuracy-beyond-the-certificates": (TokenRecipe(accuracy=2**31 - 1), "is valid from"),
    "huge-accuracy": (TokenRecipe(accuracy=2**40), "accuracy is out of range"),
    "negative-accuracy": (TokenRecipe(accuracy=-1), "accuracy is out of range"),
    "no-such-time": (
        TokenRecipe(time=datetime(1, 1, 1, tzinfo=UTC), accuracy=5),
        "no time at all",
    ),
    "no-content-type": (attribute(CONTENT_TYPE, None), "content-type is missing"),
    "no-digest": (attribute(MESSAGE_DIGEST, None), "message-digest is missing"),
    "no-certificate-id": (attribute(SIGNING_CERTIFICATE_V2, None), "signing-certificate-v2 is missing"),
    "others-certificate-id": (
        attribute(SIGNING_CERTIFICATE_V2, certificate_id(OTHER.der)),
        "names another certificate",
    ),
    "sha1-certificate-id": (
        attribute(SIGNING_CERTIFICATE_V2, certificate_id(TSA.der, "sha1")),
        "a hash other than",
    ),
    "contradicting-v1": (attribute(SIGNING_CERTIFICATE, certificate_id(OTHER.der)), "than signing-certif"),
    "signing-time-before-the-certificate": (
        attribute(SIGNING_TIME, encode(UTC_TIME, b"190101000000Z")),
        "outside of the certificate's validity",
    ),
    "signing-time-that-is-none": (
        attribute(SIGNING_TIME, encode(UTC_TIME, b"191301000000Z")),
        "no such time",
    ),
    "signing-time-without-zone": (
        attribute(SIGNING_TIME, encode(GENERALIZED_TIME, b"20260101000000")),
        "not in the form",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_refused_and_named(fault: str) -> None:
    """One fault at a time, each with its own sentence."""
    recipe, why = FAULTS[fault]
    assert why in refused(recipe)


@pytest.mark.parametrize(
    "recipe",
    [
        TokenRecipe(extra=extension("")),
        TokenRecipe(extra=extension("010100")),
        attribute(SIGNING_CERTIFICATE, v1(TSA.der)),
    ],
    ids=["extension", "extension-said-not-critical", "both-certificate-ids"],
)
def test_what_need_not_be_understood_is_left_alone(recipe: TokenRecipe) -> None:
    """Extensions that are not critical, and the older attribute beside the newer one."""
    verify(make_token(TSA, MESSAGE, recipe))


def test_signed_data_of_another_version_is_refused() -> None:
    """Version 3 is that of signed content other than plain data."""
    token = make_token(TSA, MESSAGE)
    assert token.count(bytes.fromhex("020103310d")) == 1
    with pytest.raises(VerificationError, match="not of version 3"):
        verify(token.replace(bytes.fromhex("020103310d"), bytes.fromhex("020101310d")))


def test_an_authority_that_is_itself_trusted_is_its_own_path() -> None:
    """A self-signed certificate for timestamps alone, which trust stores accept no more than others' leaves."""
    leaf = parse_certificate(TSA.der)
    assert find_path(leaf, (), (leaf,)) == (leaf,)


def test_a_signing_time_within_the_certificates_validity_is_accepted() -> None:
    """The attribute is optional and may say what is plausible."""
    verify(make_token(TSA, MESSAGE, attribute(SIGNING_TIME, encode(UTC_TIME, b"260101000000Z"))))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extended_critical": False}, "extKeyUsage must be critical"),
        ({"extended": None}, "extKeyUsage must be critical"),
        ({"extended": ("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.3")}, "timeStamping and nothing else"),
        ({"extended": ("1.3.6.1.5.5.7.3.3",)}, "timeStamping and nothing else"),
        ({"usages": ("keyCertSign",)}, "must have digitalSignature"),
        ({"ca": True}, "is an authority"),
        ({"kind": "p224"}, "P-256"),
        ({"kind": "rsa-1024"}, "1024 bits"),
        ({"not_after": datetime(2025, 1, 1, tzinfo=UTC)}, "is valid from"),
    ],
)
def test_a_certificate_that_is_no_timestamp_authoritys_is_refused(changes: dict, why: str) -> None:
    """Purpose, usage, strength and validity at the stamped time (signature-specification.md)."""
    assert why in refused(TokenRecipe(), timestamp_authority(MIDDLE, **changes))


def test_an_authority_that_expired_since_still_counts() -> None:
    """What counts is the stamped time, not the current one; that is what timestamps are for."""
    tsa = timestamp_authority(MIDDLE, not_after=datetime(2026, 2, 1, tzinfo=UTC))
    assert verify(make_token(tsa, MESSAGE)).time == STAMPED_AT


def test_an_authority_below_another_root_is_refused() -> None:
    """A root inside of the token is not trusted for being there."""
    assert "leads to no certificate" in refused(TokenRecipe(), OTHER)


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80\x00\x00", b"garbage", bytes(1000), b"\x30" * 1000, bytes(MAX_TOKEN + 1)]
)
def test_garbage_is_refused(data: bytes) -> None:
    """Whatever it is, the answer is the same code."""
    with pytest.raises(VerificationError) as caught:
        verify(data)
    assert caught.value.reason is Reason.TIMESTAMP_INVALID


def test_the_size_of_a_token_is_bounded() -> None:
    """A good one of 256 KiB is read; one byte more is refused before anything of it is parsed."""
    tsa = timestamp_authority(MIDDLE, kind="rsa-2048")  # its signatures are all of one length

    def sized(padding: int) -> bytes:
        added = encode(SEQUENCE, bytes.fromhex("06032a0304") + encode(OCTET_STRING, bytes(padding)))
        return make_token(tsa, MESSAGE, TokenRecipe(extra=encode(context(1), added)))

    room = 256 * 1024 - len(sized(200_000)) + 200_000
    assert len(sized(room)) == 256 * 1024
    assert verify(sized(room)).time == STAMPED_AT
    with pytest.raises(VerificationError, match="more than 262144 bytes"):
        verify(sized(room + 1))


def test_no_single_changed_byte_is_accepted_with_another_meaning() -> None:
    """Every byte flipped in turn: refused, or the same time by the same authority (what is not signed may differ)."""
    token = make_token(TSA, MESSAGE)
    good = verify(token)
    for position in range(0, len(token), 7):
        changed = bytearray(token)
        changed[position] ^= 0x01
        with contextlib.suppress(VerificationError):
            found = verify(bytes(changed))
            assert (found.time, found.chain.leaf.der) == (good.time, good.chain.leaf.der)


@pytest.mark.parametrize("fault", [None, "any-signature", "other-content"])
def test_an_independent_reader_agrees(fault: str | None) -> None:
    """The package rfc3161-client, over OpenSSL, accepts and refuses the same tokens."""
    recipe = replace(FAULTS[fault][0] if fault else TokenRecipe(), certificates=sorted)
    response = make_response(make_token(TSA, MESSAGE, recipe))
    roots = [load_der_x509_certificate(ROOT.der)]
    oracle = VerifierBuilder(roots=roots).build()
    if fault is None:
        assert oracle.verify_message(decode_timestamp_response(response), MESSAGE)
        assert verify(token_of(response)).time == STAMPED_AT
        return
    with pytest.raises(OracleRefuses):
        oracle.verify_message(decode_timestamp_response(response), MESSAGE)
    assert refused(recipe)


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_an_answer_that_grants_nothing_has_no_token(status: int) -> None:
    """Only granted, and granted with modifications, are answers."""
    with pytest.raises(VerificationError, match="refuses"):
        token_of(make_response(make_token(TSA, MESSAGE), status))
