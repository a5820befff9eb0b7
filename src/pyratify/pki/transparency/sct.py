"""Signed certificate timestamps that a certificate holds (RFC 6962, sections 3.2 and 3.3)."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ExtensionNotFound, PrecertificateSignedCertificateTimestamps
from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.transparency.log import TrustedLog

MAX_TIMESTAMPS = 32  # Fulcio embeds one; each costs a signature
_PRECERTIFICATE = 1


def verify_embedded(
    certificate: Certificate, issuer: Certificate, logs: Iterable[TrustedLog]
) -> tuple[str, ...]:
    """Return the distinct trusted logs that certified that they saw the certificate, at least one.

    Args:
        certificate: The certificate with the timestamps.
        issuer: Its issuer.
        logs: The logs that are trusted.

    Raises:
        VerificationError: `SCT_INVALID`.
    """
    timestamps = _embedded(certificate)
    # Timestamps of unknown logs are ignored: one of a trusted log suffices.
    trusted = {log.log_id: log for log in logs}
    found = [each for each in timestamps if each.log_id in trusted]
    if not found:
        raise _invalid("is in no certificate transparency log that is trusted")
    # The precertificate: the certificate without the list that the logs had yet to sign.
    message = _precertificate(certificate, issuer)
    # Distinct: two timestamps of one operator are one witness (client specification, 4.6).
    good = {trusted[each.log_id].witness for each in found if _holds(each, trusted[each.log_id], message)}
    if not good:
        raise _invalid("has no certificate timestamp that its log's key verifies in the period of the key")
    return tuple(sorted(good))


def _embedded(certificate: Certificate) -> tuple[SignedCertificateTimestamp, ...]:
    kind = PrecertificateSignedCertificateTimestamps
    try:
        extension = certificate.parsed.extensions.get_extension_for_class(kind)
        timestamps = tuple(extension.value)
    except ExtensionNotFound:
        raise _invalid("has no certificate timestamp") from None
    except ValueError:
        raise _invalid("has malformed certificate timestamps") from None
    if len(timestamps) > MAX_TIMESTAMPS:
        raise _invalid(f"has more than {MAX_TIMESTAMPS} certificate timestamps")
    return timestamps


def _precertificate(certificate: Certificate, issuer: Certificate) -> bytes:
    key = issuer.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        body = certificate.parsed.tbs_precertificate_bytes
    # The library removes one list; with two, what the logs signed is not defined.
    except ValueError:
        raise _invalid("has more than one list of certificate timestamps") from None
    # The hash of the issuer's key: the same body under another authority is another certificate.
    return hashlib.sha256(key).digest() + len(body).to_bytes(3, "big") + body


def _holds(timestamp: SignedCertificateTimestamp, log: TrustedLog, message: bytes) -> bool:
    # The library's time is UTC without a zone.
    taken = timestamp.timestamp.replace(tzinfo=UTC)
    # A key that was retired must not vouch for certificates of today.
    return log.validity.covers(taken) and log.verify(_signed(timestamp, taken, message), timestamp.signature)


def _signed(timestamp: SignedCertificateTimestamp, taken: datetime, message: bytes) -> bytes:
    """Return what is signed (section 3.2): version, type, time, entry type, entry, extensions."""
    # Integers throughout: a float of milliseconds may be one off, and the signature would not fit.
    millis = int(taken.replace(microsecond=0).timestamp()) * 1000 + taken.microsecond // 1000
    extensions = timestamp.extension_bytes
    return (
        # v1 and certificate_timestamp (RFC 6962, section 3.2); not of a tree head, which the same key signs.
        b"\x00\x00"
        + millis.to_bytes(8, "big")
        + _PRECERTIFICATE.to_bytes(2, "big")
        + message
        + len(extensions).to_bytes(2, "big")
        + extensions
    )


def _invalid(why: str) -> VerificationError:
    return VerificationError(Reason.SCT_INVALID, f"the signing certificate {why}")
