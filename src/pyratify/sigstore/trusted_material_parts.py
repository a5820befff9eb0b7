"""Trusted roots built from separate certificates and keys."""

import hashlib
from collections.abc import Iterable

from pyratify.core.errors import ConfigurationError, RatifyError
from pyratify.core.key import ALWAYS, KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.certificates import load_certificates
from pyratify.pki.public_keys import PublicKey, load_public_keys
from pyratify.pki.transparency.log import TrustedLog
from pyratify.sigstore.trusted_material import TrustedAuthority, TrustedMaterial
from pyratify.sigstore.trusted_root import make_authority


def make_trust(
    *,
    fulcio: Iterable[KeyMaterial] = (),
    rekor: Iterable[tuple[KeyMaterial, str]] = (),
    certificate_logs: Iterable[KeyMaterial] = (),
    timestamp_authorities: Iterable[KeyMaterial] = (),
) -> TrustedMaterial:
    """Build a trusted root.

    Args:
        fulcio: Certificate authorities, each from the issuer of leaves to the root.
        rekor: The keys of signature logs, each with the origin of its checkpoints; empty for logs of version 1.
        certificate_logs: The keys of certificate logs.
        timestamp_authorities: Timestamp authorities, each from the certificate it signs with to the root.

    Raises:
        ConfigurationError: `KEY_INVALID` or `TRUST_ROOT`, with the origin of what cannot be used.
    """
    return TrustedMaterial(
        tuple(_authority(each, timestamps=False) for each in fulcio),
        tuple(_log(key, origin) for material, origin in rekor for key in load_public_keys(material)),
        tuple(_log(key, "") for material in certificate_logs for key in load_public_keys(material)),
        tuple(_authority(each, timestamps=True) for each in timestamp_authorities),
        "the configuration",
    )


def log_id(key: PublicKey, origin: str) -> bytes:
    """Return the identifier of a log: a hash of its key, for Ed25519 with its origin (C2SP signed-note)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if origin and isinstance(key.key, Ed25519PublicKey):
        # 0x01 is signed-note's type for Ed25519; Rekor v2 names its keys in checkpoints that way.
        return hashlib.sha256(origin.encode() + b"\n\x01" + key.key.public_bytes_raw()).digest()
    # All other logs are named by the SHA-256 of their SubjectPublicKeyInfo (RFC 6962, section 3.2).
    return bytes.fromhex(key.fingerprint.rpartition(":")[2])


def _log(key: PublicKey, origin: str) -> TrustedLog:
    return TrustedLog(key, log_id(key, origin), ALWAYS, origin)


def _authority(material: KeyMaterial, *, timestamps: bool) -> TrustedAuthority:
    certificates = load_certificates(material)
    try:
        return make_authority(certificates, uri=material.origin, timestamps=timestamps)
    except (RatifyError, ValueError) as error:
        what = error.message if isinstance(error, RatifyError) else str(error)
        raise ConfigurationError(
            f"not a usable authority: {material.origin}: {what}", reason=Reason.TRUST_ROOT
        ) from None
