"""Public keys are loaded strictly."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.public_keys import load_public_keys

EC = ec.generate_private_key(ec.SECP256R1())


def spki(key: Any, encoding: Encoding = Encoding.PEM) -> bytes:
    """Return a public key as a SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def private(key: Any) -> bytes:
    """Return a private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "key",
    [
        EC,
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["p256", "p384", "p521", "ed25519", "rsa2048"],
)
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_each_accepted_kind_is_loaded_from_pem_and_der(key: Any, encoding: Encoding) -> None:
    """The key comes out as it went in, with the fingerprint of its SPKI."""
    (loaded,) = load_public_keys(KeyMaterial(spki(key, encoding), "key.pub"))
    assert loaded.key == key.public_key()
    assert loaded.fingerprint.startswith("spki:sha256:")
    assert len(loaded.fingerprint) == 12 + 64


def test_several_blocks_and_comments_are_one_set_of_keys() -> None:
    """A file may hold several keys with comment lines between them, with either line end."""
    other = ec.generate_private_key(ec.SECP256R1())
    data = b"# first\n" + spki(EC) + b"\n  # second\r\n" + spki(other).replace(b"\n", b"\r\n") + b"\n# end"
    keys = load_public_keys(KeyMaterial(data, "keys.pem"))
    assert [key.key for key in keys] == [EC.public_key(), other.public_key()]


GOOD = spki(EC)
RSA = rsa.generate_private_key(65537, 2048)
PKCS1 = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)


def test_rsa_keys_in_their_older_form_are_the_same_keys() -> None:
    """`openssl rsa -RSAPublicKey_out` writes PKCS #1; the fingerprint is that of the SubjectPublicKeyInfo."""
    assert PKCS1.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    ((old,), (new,)) = (load_public_keys(KeyMaterial(data, "key.pub")) for data in (PKCS1, spki(RSA)))
    assert (old.key, old.fingerprint) == (new.key, new.fingerprint)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \n", "empty", id="blank"),
        pytest.param(
            b"# -----BEGIN PUBLIC KEY-----\n", "neither DER nor a text with a PEM block", id="comments"
        ),
        pytest.param(b"hello", "neither DER nor a text with a PEM block", id="text"),
        pytest.param(private(EC), "private key", id="private"),
        pytest.param(GOOD + private(EC), "private key", id="public-and-private"),
        pytest.param(GOOD + GOOD[1:], "line 5", id="damaged-begin-after"),
        pytest.param(GOOD[1:] + GOOD, "line 1", id="damaged-begin-before"),
        pytest.param(GOOD.replace(b"END", b"ENT"), "line 4", id="no-end"),
        pytest.param(GOOD.replace(b"BEGIN PUBLIC", b"BEGIN MY PUBLIC"), "line 4", id="labels-differ"),
        pytest.param(GOOD.replace(b"PUBLIC KEY", b"CERTIFICATE"), "certificate", id="certificate"),
        pytest.param(
            GOOD.replace(b"PUBLIC KEY", b"RSA PUBLIC KEY"),
            "of another type than the label",
            id="spki-as-pkcs1",
        ),
        pytest.param(
            PKCS1.replace(b"RSA PUBLIC KEY", b"PUBLIC KEY"),
            "of another type than the label",
            id="pkcs1-as-spki",
        ),
        pytest.param(GOOD.replace(b"M", b"!", 1), "line 2", id="not-base64"),
        pytest.param(GOOD[:-30] + b"A" + GOOD[-30:], "base64", id="lenient-base64"),
        pytest.param(GOOD.replace(b"M", b"\xff", 1), "line 2", id="not-ascii"),
        pytest.param(spki(EC, Encoding.DER) + b"x", "not a public key", id="trailing-der"),
        pytest.param(spki(ec.generate_private_key(ec.SECP256K1())), "secp256k1", id="curve"),
        pytest.param(spki(ec.generate_private_key(ec.SECP224R1())), "secp224r1", id="p224"),
        pytest.param(spki(rsa.generate_private_key(65537, 1024)), "1024 bits", id="rsa1024"),
        pytest.param(spki(dsa.generate_private_key(2048)), "DSAPublicKey", id="dsa"),
        pytest.param(spki(ed448.Ed448PrivateKey.generate()), "Ed448PublicKey", id="ed448"),
    ],
)
def test_what_is_not_a_usable_public_key_is_refused(data: bytes, word: str) -> None:
    """The whole document is refused, and the message names its origin and what is wrong."""
    with pytest.raises(ConfigurationError, match="somewhere") as error:
        load_public_keys(KeyMaterial(data, "somewhere"))
    assert error.value.reason is Reason.KEY_INVALID
    assert word in error.value.message
