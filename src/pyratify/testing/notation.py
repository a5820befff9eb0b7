"""A signer of Notary Project signatures for tests: JWS and COSE, good or broken in one chosen way.

A good envelope needs a certificate and a subject; every fault is an edit of one of its parts:

    sign_jws(leaf, subject)
    sign_jws(leaf, subject, Recipe(protected=lambda header: header.update(alg="none")))
    sign_cose(leaf, subject, Recipe(payload=lambda payload: payload["targetArtifact"].update(size=1)))
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.pki.cose import sig_structure
from pyratify.pki.encoding import encode_base64, encode_base64url
from pyratify.pki.times import format_time
from pyratify.testing.certificates import Issued
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore, as_json
from pyratify.verifiers.notation.algorithms import Algorithm, algorithm_for, hash_algorithm
from pyratify.verifiers.notation.envelope import (
    AGENT,
    AUTHENTIC_TIME,
    COSE_TYPE,
    EXPIRY,
    JWS_TYPE,
    PAYLOAD_TYPE,
    SCHEME,
    SIGNING_TIME,
    X509,
)
from pyratify.verifiers.notation.notation_verifier import ARTIFACT_TYPE, NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName

SIGNED_AT = datetime(2026, 1, 1, tzinfo=UTC)
Edit = Callable[[Any], Any]


def _nothing(value: Any) -> Any:
    del value


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an envelope is made; without arguments a good one.

    An edit changes what it is given, or returns something else to take its place.

    Attributes:
        scheme: The signing scheme.
        signed_at: The signing time, of the kind that the scheme has.
        expiry: When the signature expires; None for never.
        payload: Edits the payload's document; may return bytes.
        protected: Edits the protected header before it is signed; may return bytes.
        unprotected: Edits the unprotected header.
        sign: Makes the signature from the bytes to sign; None for the key's own algorithm.
        whole: Edits the whole envelope: a mapping for JWS, tag 18 around a list of four for COSE; may return bytes.
    """

    scheme: str = X509
    signed_at: datetime = SIGNED_AT
    expiry: datetime | None = None
    payload: Edit = _nothing
    protected: Edit = _nothing
    unprotected: Edit = _nothing
    sign: Callable[[bytes], bytes] | None = None
    whole: Edit = _nothing


GOOD = Recipe()


def sign_jws(signer: Issued, subject: Descriptor, recipe: Recipe = GOOD) -> bytes:
    """Return a JWS envelope (signature-envelope-jws.md)."""
    header = {"alg": algorithm_of(signer).name, "cty": PAYLOAD_TYPE} | _attributes(recipe, format_time)
    # Exactly those that are there (signature-envelope-jws.md, `crit`); the signing time is not critical.
    header["crit"] = [name for name in (SCHEME, AUTHENTIC_TIME, EXPIRY) if name in header]
    protected = encode_base64url(_json(_edited(header, recipe.protected)))
    payload = encode_base64url(_payload(subject, recipe))
    # x5c is base64 with padding (RFC 7515, section 4.1.6), unlike the rest of a JWS.
    unprotected = {"x5c": [encode_base64(der) for der in signer.chain], AGENT: "pyratify/test"}
    # The JWS signing input (RFC 7515, section 5.1).
    signed = f"{protected}.{payload}".encode()
    envelope = {
        "payload": payload,
        "protected": protected,
        "header": _edited(unprotected, recipe.unprotected),
        "signature": encode_base64url(_sign(signer, signed, recipe)),
    }
    return _json(_edited(envelope, recipe.whole))


def sign_cose(signer: Issued, subject: Descriptor, recipe: Recipe = GOOD) -> bytes:
    """Return a COSE envelope (signature-envelope-cose.md)."""
    # Tag 1: seconds since the epoch (RFC 8949, section 3.4.2), without a fraction.
    attributes = _attributes(recipe, lambda time: cbor2.CBORTag(1, int(time.timestamp())))
    critical = [name for name in (SCHEME, AUTHENTIC_TIME, EXPIRY) if name in attributes]
    # Labels 1 alg, 2 crit, 3 content type (RFC 9052, section 3.1).
    header: dict[Any, Any] = {1: algorithm_of(signer).cose, 2: critical, 3: PAYLOAD_TYPE, **attributes}
    edited = _edited(header, recipe.protected)
    # Signed as these bytes: encoding the map again might order it otherwise.
    protected = edited if isinstance(edited, bytes) else cbor2.dumps(edited)
    payload = _payload(subject, recipe)
    # Label 33 is x5chain (RFC 9360).
    unprotected: dict[Any, Any] = {33: list(signer.chain), AGENT: "pyratify/test"}
    signature = _sign(signer, sig_structure(protected, payload), recipe)
    parts = [protected, _edited(unprotected, recipe.unprotected), payload, signature]
    # Tag 18 is COSE_Sign1 (RFC 9052, section 2).
    envelope = _edited(cbor2.CBORTag(18, parts), recipe.whole)
    return envelope if isinstance(envelope, bytes) else cbor2.dumps(envelope)


SIGNERS: Mapping[str, Callable[[Issued, Descriptor, Recipe], bytes]] = {
    JWS_TYPE: sign_jws,
    COSE_TYPE: sign_cose,
}


def attach_signature(
    store: MemoryStore, subject: Descriptor, envelope: bytes, media_type: str = JWS_TYPE
) -> Descriptor:
    """Attach an envelope to a subject as a signature, and return what it is."""
    return store.attach(subject, ARTIFACT_TYPE, (media_type, envelope))


def make_verifier(
    *anchors: Issued,
    kind: str = "ca",
    identities: tuple[str, ...] = ("*",),
    level: str = "strict",
    clock: Clock | None = None,
    **options: Any,
) -> NotationVerifier:
    """Return a verifier that trusts these certificates for everything."""
    policy = short_trust_policy(identities=identities, stores=[f"{kind}:test"], level=level)
    materials = {StoreName(kind, "test"): tuple(anchor.material for anchor in anchors)}
    return NotationVerifier("notation", policy, materials, clock or FakeClock(), **options)


def algorithm_of(signer: Issued) -> Algorithm:
    """Return the algorithm that the signer's key signs with."""
    # From the key, never a choice: `alg` has to agree with it (signature-envelope-jws.md, `alg`).
    return algorithm_for(signer.key.public_key())


def raw_signature(key: Any, algorithm: Algorithm, data: bytes) -> bytes:
    """Sign as Notary Project signatures are: RSASSA-PSS, or ECDSA with r and s in full width."""
    digest = hash_algorithm(algorithm)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        # The salt is as long as the hash (RFC 7518, section 3.5; RFC 8230, section 2).
        pss = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
        signature: bytes = key.sign(data, pss, digest)
        return signature
    # Fixed width, not DER (RFC 7518, section 3.4; RFC 9053, section 2.1); 66 bytes for P-521.
    width = (key.curve.key_size + 7) // 8
    numbers = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return b"".join(number.to_bytes(width, "big") for number in numbers)


def _sign(signer: Issued, data: bytes, recipe: Recipe) -> bytes:
    if recipe.sign is not None:
        return recipe.sign(data)
    return raw_signature(signer.key, algorithm_of(signer), data)


def _attributes(recipe: Recipe, encode: Callable[[datetime], Any]) -> dict[str, Any]:
    # Each scheme has its own kind of time, and the other's is not allowed (signing-scheme.md).
    time = SIGNING_TIME if recipe.scheme == X509 else AUTHENTIC_TIME
    attributes = {SCHEME: recipe.scheme, time: encode(recipe.signed_at)}
    return attributes if recipe.expiry is None else attributes | {EXPIRY: encode(recipe.expiry)}


def _payload(subject: Descriptor, recipe: Recipe) -> bytes:
    return _json(_edited({"targetArtifact": as_json(subject)}, recipe.payload))


def _edited(value: Any, edit: Edit) -> Any:
    result = edit(value)
    # Most edits change in place and return nothing.
    return value if result is None else result


def _json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
