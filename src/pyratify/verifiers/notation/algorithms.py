"""The signature algorithms of Notary Project signatures: exactly one for each kind and size of key.

Notary Project, signature-specification.md, "Algorithm Selection"; signature-envelope-{jws,cose}.md, "Supported alg header values".
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import CHANGED, Reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm.

    Attributes:
        name: As JWS calls it.
        cose: As COSE numbers it.
        hash: The hash, as `sha256`.
        bits: The size of the one kind of key that uses it.
        elliptic: Whether that is an ECDSA key; else an RSA key.
    """

    name: str
    cose: int
    hash: str
    bits: int
    elliptic: bool


PS256 = Algorithm("PS256", -37, "sha256", 2048, elliptic=False)
PS384 = Algorithm("PS384", -38, "sha384", 3072, elliptic=False)
PS512 = Algorithm("PS512", -39, "sha512", 4096, elliptic=False)
ES256 = Algorithm("ES256", -7, "sha256", 256, elliptic=True)
ES384 = Algorithm("ES384", -35, "sha384", 384, elliptic=True)
ES512 = Algorithm("ES512", -36, "sha512", 521, elliptic=True)
# The whole list: `none`, HMAC and PKCS #1 v1.5 are refused by not being on it.
ALGORITHMS = (PS256, PS384, PS512, ES256, ES384, ES512)

# By name, not by size alone: secp256k1 has 256 bits too.
_CURVES = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 521}


def jws_algorithm(name: Any) -> Algorithm:
    """Return the algorithm with this JWS name.

    Raises:
        VerificationError: `ALG_NOT_ALLOWED` for everything else.
    """
    for algorithm in ALGORITHMS:
        # The header is not verified yet: a value of any JSON type may stand in it.
        if type(name) is str and name == algorithm.name:
            return algorithm
    shown = repr(name)[:40] if isinstance(name, str) else "no text"
    raise VerificationError(Reason.ALG_NOT_ALLOWED, f"the signature algorithm is not allowed: {shown}")


def cose_algorithm(number: Any) -> Algorithm:
    """Return the algorithm with this COSE number.

    Raises:
        VerificationError: `ALG_NOT_ALLOWED` for everything else.
    """
    for algorithm in ALGORITHMS:
        # In Python the CBOR float -37.0 would be equal to -37, too.
        if type(number) is int and number == algorithm.cose:
            return algorithm
    raise VerificationError(
        Reason.ALG_NOT_ALLOWED, "the signature algorithm's number is missing or not allowed"
    )


def algorithm_for(key: object) -> Algorithm:
    """Return the one algorithm that a public key signs with.

    Raises:
        VerificationError: `ALG_NOT_ALLOWED`: there is none for this kind or size of key.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    elliptic, bits = False, 0
    if isinstance(key, RSAPublicKey):
        bits = key.key_size
    elif isinstance(key, EllipticCurvePublicKey):
        elliptic, bits = True, _CURVES.get(key.curve.name, 0)
    for algorithm in ALGORITHMS:
        # "Algorithm Selection": kind and size of the key decide; a header only repeats it.
        if (algorithm.elliptic, algorithm.bits) == (elliptic, bits):
            return algorithm
    raise VerificationError(
        Reason.ALG_NOT_ALLOWED,
        "the signing certificate's key is neither RSA of 2048, 3072 or 4096 bits nor ECDSA P-256, P-384 or P-521",
    )


def verify_signature(
    key: "RSAPublicKey | EllipticCurvePublicKey", algorithm: Algorithm, signature: bytes, data: bytes
) -> None:
    """Verify a signature: RSASSA-PSS with a salt as long as the hash, or ECDSA as r and s in full width.

    Args:
        key: A key that `algorithm_for` gives this algorithm for.
        algorithm: The algorithm.
        signature: The signature's bytes.
        data: What it is made over.

    Raises:
        VerificationError: `SIG_INVALID`.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        if algorithm.elliptic:
            _verify_ecdsa(key, algorithm, signature, data)
        else:
            _verify_pss(key, algorithm, signature, data)
    except (InvalidSignature, ValueError):  # ValueError: the width checked below
        raise VerificationError(
            Reason.SIG_INVALID,
            f"the {algorithm.name} signature does not fit the certificate's key and the content",
            remedy=CHANGED,
        ) from None


def _verify_pss(key: Any, algorithm: Algorithm, signature: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS

    digest = hash_algorithm(algorithm)
    # Not PSS.AUTO: the salt is as long as the hash (RFC 7518, 3.5; RFC 8230, 2).
    key.verify(signature, data, PSS(MGF1(digest), salt_length=digest.digest_size), digest)


def _verify_ecdsa(key: Any, algorithm: Algorithm, signature: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    width = (algorithm.bits + 7) // 8
    # Fixed width (RFC 7518, 3.4; RFC 9053, 2.1): one signature has one spelling.
    if len(signature) != 2 * width:
        raise ValueError("not r and s in full width")
    r, s = (int.from_bytes(part, "big") for part in (signature[:width], signature[width:]))
    key.verify(encode_dss_signature(r, s), data, ECDSA(hash_algorithm(algorithm)))


def hash_algorithm(algorithm: Algorithm) -> "HashAlgorithm":
    """Return the library's object for the algorithm's hash."""
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    hashes: dict[str, Callable[[], HashAlgorithm]] = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512}
    return hashes[algorithm.hash]()
