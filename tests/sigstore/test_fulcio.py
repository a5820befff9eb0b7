"""Who signed, as a certificate says it: names of a kind that is understood, and values of bounded length."""

from typing import Any

import pytest
from cryptography import x509

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.sigstore.fulcio import USERNAME, CertificateSigner, read_signer
from pyratify.sigstore.identity import CertificateIdentity, check_signer
from pyratify.testing.sigstore import ISSUER, PrivateSigstore, Signing, extension, username, utf8

SIGSTORE = PrivateSigstore()
ALICE = CertificateIdentity(subject="alice", issuer=ISSUER)
# The names of users that Windows, Kerberos and mail servers write; none of them is Fulcio's.
FOREIGN = (
    "1.3.6.1.4.1.311.20.2.3",
    "1.3.6.1.5.2.2",
    "1.3.6.1.5.5.7.8.9",
    f"{USERNAME}.1",
    USERNAME.rpartition(".")[0],
    extension(70),
    extension(8),
)


def read(**how: Any) -> CertificateSigner:
    """Read who a certificate is for."""
    return read_signer(parse_certificate(SIGSTORE.signer(Signing(**how)).der))


def refusal(**how: Any) -> str:
    """Return why a certificate names no signer."""
    with pytest.raises(VerificationError) as caught:
        read(**how)
    assert caught.value.reason is Reason.IDENTITY_MISMATCH
    return caught.value.message


def other_name(oid: str, value: bytes = utf8("alice")) -> x509.GeneralName:
    """Return a name of a kind that its object identifier says."""
    return x509.OtherName(x509.ObjectIdentifier(oid), value)


def test_a_username_is_an_other_name_of_one_kind() -> None:
    """Fulcio's own (oid-info, 1.3.6.1.4.1.57264.1.7)."""
    found = read(names=(username("alice"),))
    assert (found.subject, found.kind) == ("alice", "username")
    check_signer(found, (ALICE,))


@pytest.mark.parametrize("oid", FOREIGN)
def test_an_other_name_of_a_foreign_kind_names_no_signer(oid: str) -> None:
    """The same text under another object identifier is another directory's user."""
    assert "of a kind that is not understood" in refusal(names=(other_name(oid),))


@pytest.mark.parametrize(
    "name",
    [
        x509.DirectoryName(x509.Name.from_rfc4514_string("CN=alice")),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ],
    ids=["directory", "registered"],
)
def test_names_of_other_kinds_name_no_signer(name: x509.GeneralName) -> None:
    """Neither is written by a certificate authority of Sigstore's."""
    assert "of a kind that is not understood" in refusal(names=(name,))


@pytest.mark.parametrize("value", [b"\x16\x05alice", b"\x13\x05alice", b"\x04\x05alice", b"\x0c\x01\xff"])
def test_a_username_is_one_text_in_utf_8(value: bytes) -> None:
    """No other kind of text, no bare bytes, and nothing that is not UTF-8."""
    why = refusal(names=(other_name(USERNAME, value),))
    assert "no UTF8String" in why or "is no text" in why


def test_two_names_are_no_name() -> None:
    """One of them could be the one that is wanted."""
    assert "2 subject alternative names" in refusal(names=(username("alice"), username("mallory")))
    assert "2 subject alternative names" in refusal(names=(username("alice"), other_name(FOREIGN[0])))


@pytest.mark.parametrize(("length", "stated"), [(4096, True), (4097, False)])
def test_the_length_of_what_a_certificate_states_is_bounded(length: int, stated: bool) -> None:
    """A longer value is not read: an identity that asks for it does not match, and no report has to hold it."""
    text = "x" * (length - 4)
    assert len(utf8(text)) == length
    found = read(names=(username("alice"),), extensions={extension(12): utf8(text)})
    assert (extension(12) in found.extensions) is stated
    wanted = CertificateIdentity(subject="alice", issuer=ISSUER, extensions={"sourceRepositoryURI": text})
    if stated:
        check_signer(found, (wanted,))
    else:
        with pytest.raises(VerificationError, match="sourceRepositoryURI"):
            check_signer(found, (wanted,))


V1, V2 = extension(1), extension(8)


@pytest.mark.parametrize(
    "issuers",
    [{V1: ISSUER.encode(), V2: utf8(ISSUER)}, {V1: ISSUER.encode()}, {V2: utf8(ISSUER)}],
    ids=["both", "older", "newer"],
)
def test_an_issuer_stands_in_either_extension(issuers: dict[str, bytes]) -> None:
    """As bare bytes in the older one, and as a text in DER in the newer one."""
    assert read(issuers=issuers).issuer == ISSUER


@pytest.mark.parametrize(
    "issuers",
    [
        {},
        {V1: b""},
        {V1: b"", V2: utf8("")},
        {V1: ISSUER.encode(), V2: utf8("https://other.example.com")},
        {V1: b"https://other.example.com", V2: utf8(ISSUER)},
    ],
    ids=["none", "empty", "both-empty", "newer-differs", "older-differs"],
)
def test_a_certificate_names_one_issuer(issuers: dict[str, bytes]) -> None:
    """Without one any issuer could have vouched for the name; of two, each reader would take its own."""
    assert "names no issuer, or two" in refusal(issuers=issuers)


@pytest.mark.parametrize("text", ["a\u202eb", "a\x00b", "a\nb", "a\u200bb"])
def test_an_identity_can_be_shown(text: str) -> None:
    """A name that a terminal shows as another one is none."""
    assert "cannot be shown" in refusal(names=(username(text),))
    assert "cannot be shown" in refusal(issuers={V2: utf8(text)})
