"""Verification of a signature with a public key.

The algorithm follows from the key and never from the evidence (sigstore algorithm registry): ECDSA with the curve's own
hash, or with SHA-256 as older cosign releases used for every curve; RSA with SHA-256, PKCS#1 v1.5 or PSS; Ed25519, pure
or prehashed as cosign signs images. Only algorithms that the form of the signature allows are tried.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.public_keys import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from pyratify.sigstore.verification_material import Signed

_ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
_PREHASHED_COST = 14
# The curve's own hash first, as current signers use it; the first attempt that holds ends the search.
_CURVES = {"secp384r1": ("sha384", "sha256"), "secp521r1": ("sha512", "sha256")}
_HASHES = {each.name: each for each in (SHA256(), SHA384(), SHA512())}
# Made here: the first of them imports what computes, which must not wait for the first signature.
_ECDSA = {name: ECDSA(each) for name, each in _HASHES.items()}
# AUTO: Go's signers take the longest salt that fits unless told otherwise.
_RSA_SCHEMES = (PKCS1v15(), PSS(MGF1(SHA256()), PSS.AUTO))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way in which a key could have made a signature.

    Attributes:
        cost: What verifying costs, in units of about 0.1 ms.
        holds: Verifies.
    """

    cost: int
    holds: Callable[[], bool]


def attempts(key: PublicKey, signed: "Signed", signature: bytes) -> tuple[Attempt, ...]:
    """Return the ways in which the key could have made a signature of this form; mostly none where it did not.

    Where only a digest is known, Ed25519 cannot be verified, and nothing is.
    """
    if isinstance(key.key, EllipticCurvePublicKey):
        return _ecdsa(key.key, signed, signature)
    if isinstance(key.key, RSAPublicKey):
        return _rsa(key.key, signed, signature)
    return _ed25519(key.key, signed, signature)


def is_signed(key: PublicKey, signed: "Signed", signature: bytes) -> bool:
    """Return whether the key made the signature over this content, of which possibly only a digest is known."""
    return any(attempt.holds() for attempt in attempts(key, signed, signature))


def _ecdsa(key: EllipticCurvePublicKey, signed: "Signed", signature: bytes) -> tuple[Attempt, ...]:
    # A sequence of two integers, each as wide as the curve at most (RFC 3279, section 2.2.3).
    # The length alone excludes most signatures by other keys before anything is computed.
    if signature[:1] != b"\x30" or not 8 <= len(signature) <= 2 * ((key.key_size + 7) // 8 + 3) + 3:
        return ()
    # Measured: P-384 and P-521 take several times as long as P-256.
    cost = 1 if key.key_size <= 256 else 4
    names = _CURVES.get(key.curve.name, ("sha256",))
    if signed.message is not None:
        return tuple(
            Attempt(cost, partial(_holds, key, signature, signed.message, _ECDSA[name]))
            for name in names
            if signed.algorithm in (None, name)
        )
    # No bytes: a digest by another algorithm than the key's proves nothing, so only matching ones are tried.
    return tuple(
        Attempt(cost, partial(_holds, key, signature, digest, ECDSA(Prehashed(_HASHES[name]))))
        for name, digest in signed.digests.items()
        if name in names
    )


def _rsa(key: RSAPublicKey, signed: "Signed", signature: bytes) -> tuple[Attempt, ...]:
    if len(signature) != (key.key_size + 7) // 8:  # RFC 8017, sections 8.1.2 and 8.2.2, step 1
        return ()
    if signed.message is None:
        # sigstore's registry has RSA with SHA-256 only, whatever the size of the key.
        digest = signed.digests.get("sha256")
        found = (partial(_holds, key, signature, digest, each, Prehashed(SHA256())) for each in _RSA_SCHEMES)
        return tuple(Attempt(1, each) for each in found) if digest is not None else ()
    if signed.algorithm not in (None, "sha256"):
        return ()
    return tuple(
        Attempt(1, partial(_holds, key, signature, signed.message, each, SHA256())) for each in _RSA_SCHEMES
    )


def _ed25519(key: "Ed25519PublicKey", signed: "Signed", signature: bytes) -> tuple[Attempt, ...]:
    from pyratify.sigstore.ed25519ph import verify_prehashed

    message = signed.message
    # Pure Ed25519 signs the message itself, so a digest does not suffice.
    if message is None or len(signature) != 64:
        return ()
    if int.from_bytes(signature[32:], "little") >= _ED25519_ORDER:  # RFC 8032, section 5.1.7, step 1
        return ()
    return (
        # Pure first: the library's is fourteen times cheaper than the one in Python.
        Attempt(1, partial(_holds, key, signature, message)),
        Attempt(_PREHASHED_COST, partial(verify_prehashed, key.public_bytes_raw(), message, signature)),
    )


def _holds(key: Any, *arguments: object) -> bool:
    try:
        key.verify(*arguments)
    except InvalidSignature:
        return False
    return True


def check_period(key: PublicKey, times: tuple[datetime, ...], now: datetime) -> None:
    """Refuse a signature unless it was made, provably, in the period of its key.

    Args:
        key: The key.
        times: When trusted parties saw the signature; where there are none, only the present is known.
        now: The present.

    Raises:
        VerificationError: `TIME_OUTSIDE_VALIDITY`.
    """
    # Without a proved time only the present is certain: a date in the signature is only a claim.
    for time in times or (now,):
        if not key.validity.covers(time):
            what = (
                "the signature was made"
                if times
                else "nothing proves when the signature was made, and it is now"
            )
            raise VerificationError(
                Reason.TIME_OUTSIDE_VALIDITY,
                f"{what} {time:%Y-%m-%dT%H:%M:%SZ}, outside of the period of the key {key.origin}",
                remedy="Sign again with a key that is in use; where a timestamp proves the time, name a trusted root.",
            )
