"""Public keys as Key Vault sends them: JSON Web Keys (RFC 7517, RFC 7518 6)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
_MAX_OCTETS = 1024


class UnusableKey(Exception):
    """It is no public key for signatures."""


def public_key(key: Mapping[str, Any]) -> bytes:
    """Return a key as SubjectPublicKeyInfo, in DER.

    Raises:
        UnusableKey: It is of another kind, not for signatures, or malformed.
    """
    operations = key.get("key_ops")
    # Absent where any use is allowed (RFC 7517, 4.3).
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        raise UnusableKey(f"it is for {operations!r} and not for signatures")
    # Key Vault's `EC-HSM` and `RSA-HSM` are no types of RFC 7518; their public halves are ordinary.
    kind = str(key.get("kty", "")).removesuffix("-HSM")
    try:
        if kind == "EC":
            return _encoded(_curve_point(key))
        if kind == "RSA":
            numbers = rsa.RSAPublicNumbers(_integer(key, "e"), _integer(key, "n"))
            return _encoded(numbers.public_key())
    except ValueError as error:
        raise UnusableKey(f"it is malformed: {error}") from None
    raise UnusableKey(f"it is of the type {key.get('kty')!r}, which does not sign")


def _curve_point(key: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    curve = _CURVES.get(str(key.get("crv")))
    if curve is None:
        raise ValueError(f"its curve is {key.get('crv')!r}")
    return ec.EllipticCurvePublicNumbers(_integer(key, "x"), _integer(key, "y"), curve()).public_key()


def _integer(key: Mapping[str, Any], name: str) -> int:
    text = key.get(name)
    if not isinstance(text, str) or len(text) > 2 * _MAX_OCTETS:
        raise ValueError(f"{name} is missing or too long")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError(f"{name} is not base64url") from None
    return int.from_bytes(data, "big")


def _encoded(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
