"""Whether bytes are a certificate at all; apart from what verifies certificates, which costs a start much more."""

from pyratify.sigstore import json_fields


def check_certificate(data: bytes) -> None:
    """Refuse what stands in the place of a certificate and is none, as a bare public key would be.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    from pyratify.pki.certificates import InvalidCertificate, load_x509

    try:
        load_x509(data)
    except InvalidCertificate as error:
        json_fields.malformed(f"where a certificate belongs there is none that can be read: {error}")
