"""PEM as OpenSSL's programs write it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import load_certificates
from pyratify.pki.public_keys import load_public_keys
from pyratify.testing.certificates import authority, signer

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not shutil.which("openssl"), reason="the program openssl is not installed"),
]
ROOT = authority()
LEAF = signer(ROOT)


def openssl(*arguments: str, folder: Path) -> bytes:
    """Run the program in a folder and return what it prints."""
    done = subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two certificates, an RSA key and a PKCS #12 file without its key."""
    (tmp_path / "both.pem").write_bytes(LEAF.pem + ROOT.pem)
    openssl("genrsa", "-out", "rsa.key", "2048", folder=tmp_path)
    return tmp_path


PRINTED = {
    "x509 -text": ("x509", "-in", "both.pem", "-text"),
    "x509 -modulus -fingerprint": ("x509", "-in", "both.pem", "-modulus", "-fingerprint", "-subject"),
    "storeutl": ("storeutl", "-certs", "-text", "both.pem"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_certificates_are_read_as_openssl_prints_them(name: str, folder: Path) -> None:
    """The text beside the blocks does not matter."""
    found = load_certificates(KeyMaterial(openssl(*PRINTED[name], folder=folder), name))
    assert found[0].der == LEAF.der


def test_certificates_of_containers_are_read(folder: Path) -> None:
    """`pkcs7 -print_certs` prints names and blank lines, `pkcs12` prints bag attributes."""
    openssl("crl2pkcs7", "-nocrl", "-certfile", "both.pem", "-out", "both.p7b", folder=folder)
    printed = openssl("pkcs7", "-in", "both.p7b", "-print_certs", folder=folder)
    openssl("pkcs12", "-export", "-nokeys", "-in", "both.pem", "-caname", "Caf\u00e9", "-out", "both.p12",
            "-passout", "pass:x", folder=folder)  # fmt: skip
    bags = openssl("pkcs12", "-in", "both.p12", "-nokeys", "-passin", "pass:x", folder=folder)
    assert b"Bag Attributes" in bags
    for data in (printed, bags):
        found = load_certificates(KeyMaterial(data, "printed"))
        assert {one.der for one in found} == {LEAF.der, ROOT.der}


def test_both_forms_of_an_rsa_key_are_the_same(folder: Path) -> None:
    """`rsa -pubout`, `rsa -RSAPublicKey_out` and `pkey -pubout -text`, in PEM, and the first two in DER."""
    forms = (
        ("rsa", "-in", "rsa.key", "-pubout"),
        ("rsa", "-in", "rsa.key", "-RSAPublicKey_out"),
        ("rsa", "-in", "rsa.key", "-pubout", "-outform", "DER"),
        ("rsa", "-in", "rsa.key", "-RSAPublicKey_out", "-outform", "DER"),
        ("pkey", "-in", "rsa.key", "-pubout", "-text_pub"),
    )
    printed = [openssl(*form, folder=folder) for form in forms]
    keys = [load_public_keys(KeyMaterial(data, "key")) for data in printed]
    assert len({key.fingerprint for (key,) in keys}) == 1
