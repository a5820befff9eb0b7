"""The facts of a certificate, not judged."""

from typing import TYPE_CHECKING, Any

from pyratify.core.errors import RatifyError

if TYPE_CHECKING:
    from pyratify.pki.certificates import Certificate

Facts = dict[str, Any]


def decode_certificate(der: bytes) -> Facts:
    """Return what a certificate says, or `error` where it is malformed."""
    from pyratify.pki.certificates import parse_certificate

    try:
        return certificate_facts(parse_certificate(der))
    except RatifyError as error:
        return {"error": error.message}


def certificate_facts(certificate: "Certificate") -> Facts:
    """Return what a certificate says."""
    from pyratify.pki.times import format_time

    usage = certificate.extended_key_usage
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serialNumber": f"{certificate.parsed.serial_number:x}",  # as openssl prints it
        "notBefore": format_time(certificate.not_before),
        "notAfter": format_time(certificate.not_after),
        "SHA256Fingerprint": certificate.fingerprint,
        "key": certificate.spki,
        "ca": certificate.is_ca,
        "extendedKeyUsage": sorted(usage.purposes) if usage else [],
    }
