"""The parts of a notation signature, unverified."""

from typing import Any

from pyratify.core.errors import RatifyError
from pyratify.entrypoints.cli.decode.certificate_facts import Facts, decode_certificate
from pyratify.pki.der import InvalidDer
from pyratify.pki.times import format_time
from pyratify.pki.timestamp.cms import SignedData
from pyratify.pki.timestamp.cms_signature import signing_certificate
from pyratify.pki.timestamp.token import parse_token
from pyratify.pki.timestamp.tst_info import HASHES
from pyratify.verifiers.notation.envelope import Envelope


def envelope_facts(envelope: Envelope, payload: Any, certificates: list[Facts]) -> Facts:
    """Return what an envelope says, and what the timestamp in it says.

    Args:
        envelope: The envelope.
        payload: Its payload, as JSON where it is that.
        certificates: What its certificates say.
    """
    return {
        "mediaType": envelope.media_type,
        "signatureAlgorithm": envelope.algorithm.name,
        "signedAttributes": {
            "signingScheme": envelope.scheme,
            "signingTime": format_time(envelope.signing_time),
            "expiry": format_time(envelope.expiry) if envelope.expiry else None,
            "verificationPlugin": envelope.plugin,
            "verificationPluginMinVersion": envelope.plugin_version,
        },
        "extendedAttributes": {str(name): _plain(value) for name, value in envelope.extended.items()},
        "userMetadata": _metadata(payload),
        "unsignedAttributes": {
            "signingAgent": envelope.agent,
            "timestampBytes": len(envelope.timestamp)
            if envelope.timestamp
            else None,  # stands even where no token can be read
            "timestamp": _timestamp(envelope.timestamp) if envelope.timestamp else None,
        },
        "payload": payload,
        "certificates": certificates,
    }


def _metadata(payload: Any) -> Any:
    target = payload.get("targetArtifact") if isinstance(payload, dict) else None
    return (target.get("annotations") if isinstance(target, dict) else None) or {}


def _timestamp(token: bytes) -> Facts:
    try:
        signed, info = parse_token(token)
    except InvalidDer as error:
        return {"error": str(error)}
    return {
        "time": format_time(info.time),
        "accuracySeconds": info.accuracy.total_seconds(),
        "policy": info.policy,
        "hashAlgorithm": HASHES.get(info.hash_algorithm, info.hash_algorithm),
        "hash": info.hashed.hex(),
        "authority": _authority(signed),
        "certificates": [decode_certificate(der) for der in signed.certificates],
    }


def _authority(signed: SignedData) -> Facts | None:
    """Return the signer that the token names, unverified."""
    if not signed.signers:
        return None
    try:
        # By its identifier alone (RFC 5652, section 5.3): the token's signature is not checked here.
        certificate = signing_certificate(signed, signed.signers[0])
    except (RatifyError, InvalidDer) as error:
        return {"error": error.message if isinstance(error, RatifyError) else str(error)}
    return {"subject": certificate.subject, "SHA256Fingerprint": certificate.fingerprint}


def _plain(value: Any) -> Any:
    """Return a value of JSON or CBOR as something that JSON can say."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, bytes):  # CBOR has byte strings, and JSON has none
        return value.hex()
    return str(value)
