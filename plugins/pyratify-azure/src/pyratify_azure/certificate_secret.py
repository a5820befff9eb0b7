"""The certificates in a secret of Key Vault: what is beside them, as the private key, is dropped unread."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pyratify_azure.json_web_key import UnusableKey

_PKCS12, _PEM = "application/x-pkcs12", "application/x-pem-file"


def read_certificates(secret: Mapping[str, Any]) -> bytes:
    """Return the certificates of a secret in PEM, the leaf first.

    Raises:
        UnusableKey: It is of another type, or has no certificate.
    """
    value, kind = secret.get("value"), secret.get("contentType")
    if not isinstance(value, str):
        raise UnusableKey("the secret has no value")
    try:
        if kind == _PKCS12:
            found = _of_pkcs12(base64.b64decode(value, validate=True))
        elif kind == _PEM:
            found = x509.load_pem_x509_certificates(value.encode("ascii"))
        else:
            raise UnusableKey(f"the secret is of the type {str(kind)[:80]!r} and no certificate")
    except (binascii.Error, ValueError, UnicodeEncodeError):
        raise UnusableKey("the secret is no certificate that can be read") from None
    if not found:
        raise UnusableKey("the secret has no certificate")
    return b"".join(each.public_bytes(Encoding.PEM) for each in found)


def _of_pkcs12(data: bytes) -> list[x509.Certificate]:
    # Key Vault protects it with no password.
    bundle = pkcs12.load_pkcs12(data, None)
    leaf = [] if bundle.cert is None else [bundle.cert.certificate]
    return leaf + [each.certificate for each in bundle.additional_certs]
