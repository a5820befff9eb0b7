"""Ed25519ph, the prehashed variant that cosign signs images with where the key is Ed25519 (RFC 8032, sections 5.1 and 5.1.7).

The library that verifies everything else offers only the pure variant. Nothing here is secret, so constant time is not needed.
Encodings must be canonical, points of small order are refused, and the equation is checked without the cofactor.
"""

import hashlib
from functools import lru_cache

_P = 2**255 - 19  # RFC 8032, section 5.1: the field, the group order, the curve's d
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # a square root of -1 (section 5.1.3, step 3)
_DOM2 = b"SigEd25519 no Ed25519 collisions\x01\x00"  # section 2: phflag 1, and a context of length 0

# Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z (section 5.1.4).
Point = tuple[int, int, int, int]
_NEUTRAL: Point = (0, 1, 1, 0)
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def verify_prehashed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the key made a signature of Ed25519ph with an empty context (RFC 8032, 5.1.7).

    Args:
        public_key: The 32 bytes of the public key.
        message: What was signed, not hashed yet.
        signature: The 64 bytes of the signature.
    """
    if len(public_key) != 32 or len(signature) != 64:
        return False
    # Step 1: a scalar that is not reduced would give each signature a second spelling.
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= _L:
        return False
    key, nonce = _multiples(public_key), decode_point(signature[:32])
    # With a key or nonce of small order, one signature fits many messages.
    if not key or nonce is None or _is_small(nonce):
        return False
    digest = hashlib.sha512(message).digest()
    hashed = hashlib.sha512(_DOM2 + signature[:32] + public_key + digest).digest()
    challenge = int.from_bytes(hashed, "little") % _L
    return _same(_sum(scalar, _multiples_of(_BASE), challenge, key), nonce)


def decode_point(encoded: bytes) -> Point | None:
    """Decode a point (RFC 8032, 5.1.3); None for anything else than the canonical encoding of a point."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    # The denominator is never zero: -1/d is no square modulo p.
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    # p is 5 modulo 8, so this is a root of the square, or of its negative (section 5.1.3, step 3).
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    # Step 4: no root, or the sign of zero.
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _add(p: Point, q: Point) -> Point:
    # Complete formulas (section 5.1.4): no special case for equal or neutral points.
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(p: Point) -> Point:
    a, b = p[0] * p[0] % _P, p[1] * p[1] % _P
    h = a + b
    e, g = h - (p[0] + p[1]) * (p[0] + p[1]) % _P, a - b
    f = 2 * p[2] * p[2] % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum(scalar: int, base: tuple[Point, ...], challenge: int, key: tuple[Point, ...]) -> Point:
    """Return `scalar * base + challenge * key` from their multiples, four bits of both at a time (Straus)."""
    result = _NEUTRAL
    # Both scalars are below 2**253, so 64 nibbles hold them.
    for shift in range(252, -4, -4):
        for _ in range(4):
            result = _double(result)
        if nibble := scalar >> shift & 15:
            result = _add(result, base[nibble])
        if nibble := challenge >> shift & 15:
            result = _add(result, key[nibble])
    return result


@lru_cache(maxsize=128)
def _multiples_of(point: Point) -> tuple[Point, ...]:
    """Return the multiples of a point from 0 to 15; kept, as configured keys and the base are used again and again."""
    found = [_NEUTRAL]
    while len(found) < 16:
        found.append(_add(found[-1], point))
    return tuple(found)


@lru_cache(maxsize=128)
def _multiples(public_key: bytes) -> tuple[Point, ...]:
    """Return the multiples of the negated key, which moves the key's term to the other side of the equation; none for a key of small order."""
    key = decode_point(public_key)
    if key is None or _is_small(key):
        return ()
    # Negated: (-x, y) is the inverse of (x, y) on a twisted Edwards curve.
    return _multiples_of((-key[0] % _P, key[1], key[2], -key[3] % _P))


def _same(p: Point, q: Point) -> bool:
    # x = X/Z: compared across, which saves two inversions.
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


def _is_small(point: Point) -> bool:
    # The cofactor is 8: a point of small order vanishes when it is doubled three times.
    return _same(_double(_double(_double(point))), _NEUTRAL)
