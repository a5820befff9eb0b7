"""Certificates that come with a signature, checked for their form only.

Apart from what verifies certificates (`signing_certificate.py`), whose imports would slow down every start with keys.
"""

from pyratify.pki.pem import UNTRUSTED, InvalidPem, read_pem
from pyratify.sigstore import json_fields


def check_certificate(der: bytes) -> None:
    """Refuse what stands in the place of a certificate and is none, such as a bare public key.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    from pyratify.pki.certificates import InvalidCertificate, load_x509

    try:
        load_x509(der)
    except InvalidCertificate as error:
        json_fields.malformed(f"where a certificate belongs there is none that can be read: {error}")


def read_certificate(pem: bytes, where: str) -> bytes:
    """Return the one certificate of a PEM text in DER.

    Args:
        pem: The text, of at most `UNTRUSTED` bytes.
        where: What the text is called, for messages.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`: no PEM, too long, or anything else than one certificate.
    """
    try:
        blocks = read_pem(pem, UNTRUSTED)
    except InvalidPem as error:
        json_fields.malformed(f"{where} is not PEM: {error}")
    # One: of several, readers could take different ones as the signer's.
    if [block.label for block in blocks] != ["CERTIFICATE"]:
        json_fields.malformed(f"{where} holds something else than one certificate")
    check_certificate(blocks[0].data)
    return blocks[0].data
