"""The signature of a timestamp token (RFC 5652, section 5.4), over the `cryptography` library."""

from typing import Any

from pyratify.pki import asn1
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.attributes import (
    check_content,
    check_signing_certificate,
    parse_attributes,
    signing_time,
)
from pyratify.pki.timestamp.cms import SignedData, SignerInfo
from pyratify.pki.timestamp.tst_info import HASHES

_RSA = {
    "1.2.840.113549.1.1.1": None,  # rsaEncryption: the hash is the digest algorithm's
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}


def signing_certificate(data: SignedData, signer: SignerInfo) -> Certificate:
    """Return the one certificate of the token that the signer's identifier names.

    Raises:
        InvalidDer: There is none, or more than one.
        VerificationError: A certificate is malformed.
    """
    # Equal ones once: the trusted root's leaf may be in the token as well (`signed_times.py`).
    certificates = (parse_certificate(der) for der in dict.fromkeys(data.certificates))
    found = [certificate for certificate in certificates if _is_named(certificate, signer)]
    # Two with one issuer and serial number: which of them signed would be a guess.
    if len(found) != 1:
        raise InvalidDer(f"the signing certificate is in the token {len(found)} times, not once")
    return found[0]


def verify_signer(data: SignedData, signer: SignerInfo, certificate: Certificate) -> None:
    """Verify one signature with its certificate: signed attributes, then the signature over them.

    Raises:
        InvalidDer: Something is missing, malformed, weak or does not fit.
    """
    attributes = parse_attributes(signer.attributes)
    # The attributes first: the signature is over them, and they alone bind the content (RFC 5652, 5.4).
    check_content(attributes, data.content, signer.digest)
    stated = signing_time(attributes)
    # Not required, but a contradiction: the certificate could not have signed at that time.
    if stated is not None and not certificate.not_before <= stated <= certificate.not_after:
        raise InvalidDer("the signing-time attribute is outside of the certificate's validity")
    _verify(signer, certificate.key)
    # Against substitution: another certificate for the same key may have another purpose (RFC 5035).
    check_signing_certificate(attributes, certificate)


def _is_named(certificate: Certificate, signer: SignerInfo) -> bool:
    parsed = certificate.parsed
    # The name as DER, so no two spellings of a name are taken for one.
    return parsed.serial_number == signer.serial and parsed.issuer.public_bytes() == signer.issuer


def _verify(signer: SignerInfo, key: Any) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    name = HASHES[signer.digest]
    digest = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[name]
    signed = asn1.encode(asn1.SET, signer.attributes)  # section 5.4: with the tag of a SET OF
    try:
        # The key decides, never the token: an algorithm of another kind of key is refused.
        if isinstance(key, RSAPublicKey) and _RSA.get(signer.algorithm, "?") in (None, name):
            key.verify(signer.signature, signed, PKCS1v15(), digest)
        elif isinstance(key, EllipticCurvePublicKey) and _ECDSA.get(signer.algorithm) == name:
            key.verify(signer.signature, signed, ECDSA(digest))
        else:
            raise InvalidDer(
                "the signature's algorithm is not allowed, or does not fit the key or the digest"
            )
    except InvalidSignature:
        raise InvalidDer("the signature is not the certificate's over the signed attributes") from None
