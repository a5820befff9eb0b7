"""Test certificates for the signed material: two unrelated authorities, each with an RSA and an EC leaf.

They follow the signing-certificate requirements of the Notary Project's signature specification and last until 2056, so
that nothing signed with them expires by itself. Every key is a TEST KEY, published on purpose: never trust these
certificates outside the tests.
"""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

NOTE = "TEST ONLY: a key published with the pyratify repository. Never trust it.\n"
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC)


def make_authority(folder: Path, prefix: str, organisation_unit: str) -> None:
    """Write `<prefix>ca.pem`, `<prefix>{rsa,ec}.pem` (chains, leaf first) and their `.key` files, unless they are there."""
    if (folder / f"{prefix}ca.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    root_key = ec.generate_private_key(ec.SECP384R1())
    root_name = _name(f"Pyratify Test {organisation_unit} root")
    root = _root(root_name, root_key)
    _write_key(folder / f"{prefix}ca.key", root_key)
    (folder / f"{prefix}ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    leaves: dict[str, Key] = {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=3072),
        "ec": ec.generate_private_key(ec.SECP384R1()),
    }
    for kind, key in leaves.items():
        leaf = _leaf(_name(f"Pyratify Test signer {kind}"), key, root_name, root_key)
        chain = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
        (folder / f"{prefix}{kind}.pem").write_bytes(chain)
        _write_key(folder / f"{prefix}{kind}.key", key)


def _root(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    usage = _usage(key_cert_sign=True)
    builder = _builder(name, name, key).add_extension(usage, critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    return builder.sign(key, hashes.SHA384())


def _leaf(
    name: x509.Name, key: Key, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = _builder(name, issuer, key).add_extension(_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(authority, critical=False).sign(issuer_key, hashes.SHA384())


def _builder(subject: x509.Name, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
    public = key.public_key()
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), BEGIN, END)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.STATE_OR_PROVINCE_NAME, "WA"),
        (NameOID.ORGANIZATION_NAME, "Pyratify Test"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _write_key(path: Path, key: Key) -> None:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(NOTE.encode() + text)
