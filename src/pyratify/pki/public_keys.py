"""Public keys, loaded strictly, and their fingerprints.

Accepted are RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 and P-521 (named curves only) and Ed25519, each as a
SubjectPublicKeyInfo in PEM (any number of blocks) or DER (one key); RSA also as PKCS #1 (`RSA PUBLIC KEY`).
"""

import hashlib
from typing import TYPE_CHECKING, Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import ALWAYS, KeyMaterial, Validity
from pyratify.core.reason import Reason
from pyratify.pki.der import INTEGER, SEQUENCE, InvalidDer, read_element, read_elements
from pyratify.pki.pem import Block, InvalidPem, read_blocks

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    AnyPublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# signature-specification.md, "Leaf Certificates": 2048 bits or higher.
MIN_RSA_BITS = 2048
# Verifying takes time with the square of the size; a key of 16384 bits only costs time.
MAX_RSA_BITS = 8192
CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PRIVATE = "PRIVATE KEY"
_LABELS = {
    "PUBLIC KEY": SEQUENCE,
    "RSA PUBLIC KEY": INTEGER,
}  # RFC 5280, section 4.1; RFC 8017, appendix A.1.1


class WeakKey(ValueError):
    """A key of a kind or size that must not be trusted."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of an accepted kind and size.

    Attributes:
        key: The key itself.
        fingerprint: `spki:sha256:<hex>` over its SubjectPublicKeyInfo in DER.
        origin: The file or provider that it was read from, for messages.
        validity: The period in which signatures by it count.
    """

    key: "AnyPublicKey"
    fingerprint: str
    origin: str = ""
    validity: Validity = ALWAYS


def load_public_keys(material: KeyMaterial) -> tuple[PublicKey, ...]:
    """Load every public key of a document, at least one.

    Raises:
        ConfigurationError: `KEY_INVALID`: empty, damaged, not a public key (a certificate, a private key), or weak.
    """
    return tuple(_load(data, material) for data in _documents(material))


def spki_fingerprint(key: "AnyPublicKey") -> str:
    """Return `spki:sha256:<hex>` over the key's SubjectPublicKeyInfo in DER."""
    # Lazy, as in all functions here: every start imports this module, and keys are parsed later.
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    # Over SPKI, not over the file: PEM, DER and PKCS #1 of one key have one fingerprint.
    data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"spki:sha256:{hashlib.sha256(data).hexdigest()}"


def check_public_key(key: Any) -> "AnyPublicKey":
    """Return the key if it is of an accepted kind and size.

    Raises:
        WeakKey: It is not; the message says what it is.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise WeakKey(f"an RSA key of {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}")
        return key
    if isinstance(key, EllipticCurvePublicKey):
        # Others, such as secp256k1, are neither in Sigstore's registry nor in Notary's list.
        if key.curve.name not in CURVES:
            raise WeakKey(f"an ECDSA key on {key.curve.name}, not on P-256, P-384 or P-521")
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise WeakKey(f"a key of the kind {type(key).__name__}, neither RSA nor ECDSA nor Ed25519")


_PUBLIC = "Give the public half, as `cosign public-key` or `openssl pkey -pubout` prints it, and keep the private one elsewhere."
_CERTIFICATE = (
    "Certificates are for notation (--cert, or certificates in a configuration); "
    "for cosign give the key alone, as `openssl x509 -pubkey -noout` prints it."
)


def _documents(material: KeyMaterial) -> tuple[bytes, ...]:
    try:
        blocks = read_blocks(material.data)
    except InvalidPem as error:
        _refuse(material, str(error))
    if blocks is None:
        return (material.data,)
    for block in blocks:
        _check_block(block, material)
    return tuple(block.data for block in blocks)


def _check_block(block: Block, material: KeyMaterial) -> None:
    if block.label.endswith(_PRIVATE):
        _refuse(material, "it holds a private key; only the public key belongs here", _PUBLIC)
    if block.label == "CERTIFICATE":
        _refuse(material, "it holds a certificate, not a public key", _CERTIFICATE)
    if block.label not in _LABELS:
        _refuse(material, f"it holds a block {block.label!r}, not 'PUBLIC KEY'")
    # load_der_public_key reads both structures, so a mislabelled block would pass.
    if _first_tag(block.data) != _LABELS[block.label]:
        _refuse(material, f"the content of its block {block.label!r} is of another type than the label says")


def _first_tag(data: bytes) -> int | None:
    """Return the tag that tells a SubjectPublicKeyInfo (a sequence) from PKCS #1 (a number)."""
    try:
        return next((element.tag for element in read_elements(read_element(data, SEQUENCE).content)), None)
    except InvalidDer:
        return None


def _load(data: bytes, material: KeyMaterial) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = check_public_key(load_der_public_key(data))
    except WeakKey as error:
        _refuse(material, f"it is {error}")
    except (ValueError, UnsupportedAlgorithm):
        _refuse(material, "it is not a public key in PEM or DER (SubjectPublicKeyInfo, or PKCS #1 for RSA)")
    return PublicKey(key, spki_fingerprint(key), material.origin, material.validity)


def _refuse(material: KeyMaterial, why: str, remedy: str | None = None) -> NoReturn:
    raise ConfigurationError(
        f"not a usable public key: {material.origin}: {why}", reason=Reason.KEY_INVALID, remedy=remedy
    )
