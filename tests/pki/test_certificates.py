"""Certificates are loaded strictly, and what they say is read completely."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.certificates import MAX_CERTIFICATE, load_certificates, parse_certificate
from pyratify.pki.der import SEQUENCE, read_element, read_elements
from pyratify.testing.certificates import (
    BEGIN,
    END,
    authority,
    element,
    forge,
    make_key,
    pem,
    public_pem,
    replacing,
    signer,
)

ROOT = authority()
LEAF = signer(ROOT)
PRIVATE = make_key("p256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_what_a_certificate_says_is_read() -> None:
    """Names, validity, extensions and identities."""
    root, leaf = parse_certificate(ROOT.der), parse_certificate(LEAF.der)
    assert leaf.subject == "CN=signer,O=Example,ST=WA,C=US"
    assert leaf.issuer == root.subject
    assert (leaf.not_before, leaf.not_after) == (BEGIN, END)
    assert leaf.signature_hash == "sha256"
    assert leaf.key_usage is not None
    assert leaf.key_usage.usages == {"digitalSignature"}
    assert leaf.extended_key_usage is not None
    assert leaf.extended_key_usage.purposes == {"1.3.6.1.5.5.7.3.3"}
    assert (root.is_ca, leaf.is_ca) == (True, False)
    assert (root.is_self_signed, leaf.is_self_signed) == (True, False)
    assert leaf.is_issued_by(root)
    assert not root.is_issued_by(leaf)
    assert leaf.spki.startswith("spki:sha256:")
    assert len(leaf.fingerprint) == 64


def test_several_certificates_are_one_document() -> None:
    """PEM with comments between the blocks, and DER for a single one."""
    document = KeyMaterial(b"# root\n" + pem(ROOT.der) + b"\n" + pem(LEAF.der), "chain.pem")
    assert [certificate.der for certificate in load_certificates(document)] == [ROOT.der, LEAF.der]
    assert load_certificates(KeyMaterial(ROOT.der, "root.cer"))[0].der == ROOT.der


def test_der_certificates_may_stand_one_after_another() -> None:
    """As Go's parser, and so notation, reads a file that is not PEM."""
    document = KeyMaterial(ROOT.der + LEAF.der, "both.der")
    assert [certificate.der for certificate in load_certificates(document)] == [ROOT.der, LEAF.der]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\n \n", "empty", id="blank"),
        pytest.param(b"# nothing\n", "neither DER nor a text with a PEM block", id="comment-only"),
        pytest.param(
            b"# -----BEGIN CERTIFICATE-----\n", "neither DER nor a text with a PEM block", id="comments"
        ),
        pytest.param(PRIVATE, "private key", id="private-key"),
        pytest.param(ROOT.pem + PRIVATE, "private key", id="certificate-and-private-key"),
        pytest.param(public_pem(make_key("p256")), "PUBLIC KEY", id="public-key"),
        pytest.param(ROOT.pem + ROOT.pem[1:], "damaged PEM block", id="damaged-after"),
        pytest.param(ROOT.pem.replace(b"CERTIFICATE", b"PKCS7"), "openssl pkcs7", id="pkcs7"),
        pytest.param(ROOT.pem[:-40], "no END", id="cut-off"),
        pytest.param(ROOT.pem + ROOT.pem.replace(b"M", b"A", 1), "malformed", id="one-damaged"),
        pytest.param(ROOT.der + b"\x00", "malformed", id="trailing-byte"),
        pytest.param(b"\x30\x82", "malformed", id="der-cut-off"),
        pytest.param(b"\x30\x84" + bytes(MAX_CERTIFICATE + 1), "malformed", id="too-large"),
        pytest.param(b"not a certificate", "neither DER nor a text with a PEM block", id="text"),
    ],
)
def test_atk_238_documents_that_hold_anything_else_are_refused(data: bytes, word: str) -> None:
    """A part that cannot be used makes the whole unusable, so that nothing is left out silently."""
    with pytest.raises(ConfigurationError, match="somewhere") as error:
        load_certificates(KeyMaterial(data, "somewhere"))
    assert error.value.reason is Reason.KEY_INVALID
    assert word in error.value.message


def test_a_malformed_certificate_in_an_envelope_is_the_artifact_s_fault() -> None:
    """The same bytes are a fault of the configuration there and of the artifact here."""
    with pytest.raises(VerificationError) as error:
        parse_certificate(ROOT.der[:-1])
    assert error.value.reason is Reason.CHAIN_INVALID


def test_a_certificate_of_the_first_version_is_refused() -> None:
    """It cannot have the extensions that the requirements are about."""

    def first(body: bytes) -> bytes:
        parts = tuple(read_elements(read_element(body, SEQUENCE).content))
        return element(SEQUENCE, b"".join(element(part.tag, part.content) for part in parts[1:7]))

    with pytest.raises(VerificationError, match="version 3"):
        parse_certificate(forge(LEAF, ROOT, first).der)


def test_an_edit_that_changes_nothing_is_a_mistake_of_the_test() -> None:
    """Otherwise a broken certificate would silently be a good one."""
    with pytest.raises(ValueError, match="is not there"):
        forge(LEAF, ROOT, replacing(b"nowhere to be found", b""))
