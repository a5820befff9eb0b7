"""Whether a key made a signature.

The algorithm follows from the key and never from the evidence (sigstore algorithm registry): ECDSA with the curve's own
hash, or with SHA-256 as older cosign releases used for every curve; RSA with SHA-256, PKCS#1 v1.5 or PSS; Ed25519, pure
or prehashed as cosign signs images.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyratify.pki.keys import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from pyratify.verifiers.cosign.material import Signed


def is_signed(key: PublicKey, signed: "Signed", signature: bytes) -> bool:
    """Tell whether the key made the signature over this content, of which perhaps only a digest is known.

    Where only a digest is known, Ed25519 cannot be verified, and nothing is: it counts as not signed.
    """
    if signed.message is not None:
        return _verifies(key, signed.message, signature, signed.algorithm)
    return any(_fits(key, name, digest, signature) for name, digest in signed.digests.items())


def _fits(key: PublicKey, name: str, digest: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key.key, EllipticCurvePublicKey):
        hashes = [each for each in _hashes(key.key.curve.name) if each.name == name]
        return any(_holds(key.key, signature, digest, ECDSA(Prehashed(each))) for each in hashes)
    if not isinstance(key.key, RSAPublicKey) or name != "sha256":
        return False
    schemes = (PKCS1v15(), PSS(MGF1(SHA256()), PSS.AUTO))
    return any(_holds(key.key, signature, digest, scheme, Prehashed(SHA256())) for scheme in schemes)


def _verifies(key: PublicKey, message: bytes, signature: bytes, algorithm: str | None) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key.key, EllipticCurvePublicKey):
        return _ecdsa(key.key, message, signature, algorithm)
    if isinstance(key.key, RSAPublicKey):
        return algorithm in (None, "sha256") and _rsa(key.key, message, signature)
    return _ed25519(key.key, message, signature)


def _ecdsa(key: "EllipticCurvePublicKey", message: bytes, signature: bytes, algorithm: str | None) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    allowed = (each for each in _hashes(key.curve.name) if algorithm in (None, each.name))
    return any(_holds(key, signature, message, ECDSA(each)) for each in allowed)


def _hashes(curve: str) -> "Iterator[HashAlgorithm]":
    from cryptography.hazmat.primitives import hashes

    if curve == "secp384r1":
        yield hashes.SHA384()
    elif curve == "secp521r1":
        yield hashes.SHA512()
    yield hashes.SHA256()


def _rsa(key: "RSAPublicKey", message: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    schemes = (PKCS1v15(), PSS(MGF1(SHA256()), PSS.AUTO))
    return any(_holds(key, signature, message, scheme, SHA256()) for scheme in schemes)


def _ed25519(key: "Ed25519PublicKey", message: bytes, signature: bytes) -> bool:
    from pyratify.verifiers.cosign.ed25519ph import verify_prehashed

    return _holds(key, signature, message) or verify_prehashed(key.public_bytes_raw(), message, signature)


def _holds(key: Any, *arguments: object) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(*arguments)
    except InvalidSignature:
        return False
    return True
