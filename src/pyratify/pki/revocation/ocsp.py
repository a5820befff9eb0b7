"""The online certificate status protocol (RFC 6960): pure functions of bytes."""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pyratify.core.errors import VerificationError
from pyratify.pki import asn1
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.chain import check_strength
from pyratify.pki.der import read_element, read_elements
from pyratify.pki.revocation.certificate_status import Finding, RevocationUnknown
from pyratify.pki.revocation.crl import SKEW, STRONG_HASHES
from pyratify.pki.revocation.distribution_points import extension
from pyratify.pki.times import format_time

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
NO_CHECK = "1.3.6.1.5.5.7.48.1.5"
# For answers without nextUpdate (RFC 6960 4.2.2.1), which could otherwise be replayed for ever.
MAX_AGE = timedelta(days=1)
_INVALIDITY_DATE = "2.5.29.24"
_CERTIFICATE_ID_HASHES = ("sha1", "sha256", "sha384", "sha512")


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """Return a request for one certificate.

    The identifier is hashed with SHA-1, the only hash that every responder knows (RFC 5019, section 2.1.1); it proves
    nothing, what comes back is compared with the certificate itself.
    """
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.ocsp import OCSPRequestBuilder

    builder = OCSPRequestBuilder().add_certificate(certificate.parsed, issuer.parsed, SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def read_answer(
    data: bytes, certificate: Certificate, issuer: Certificate, now: datetime, source: str
) -> tuple[Finding, Certificate | None]:
    """Return what an answer says of a certificate.

    Args:
        data: The answer.
        certificate: The certificate that was asked about.
        issuer: Its issuer.
        now: The current time.
        source: Where the answer comes from.

    Returns:
        The finding; and the responder's certificate where its own revocation has to be looked at (section 4.2.2.2.1).

    Raises:
        RevocationUnknown: The answer is malformed, about something else, out of date, or not signed by an entitled responder.
    """
    try:
        return _read(data, certificate, issuer, now, source)
    except RevocationUnknown:
        raise
    except VerificationError as error:
        raise RevocationUnknown(f"the OCSP responder's certificate: {error.message}") from None
    except Exception:  # noqa: BLE001 - the library raises many kinds; each means that the answer says nothing
        raise RevocationUnknown("the OCSP answer is malformed") from None


def _read(
    data: bytes, certificate: Certificate, issuer: Certificate, now: datetime, source: str
) -> tuple[Finding, Certificate | None]:
    from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseStatus, load_der_ocsp_response

    response = load_der_ocsp_response(data)
    # Errors are not signed (RFC 6960 2.3): they may come from anyone, and say nothing.
    if response.response_status is not OCSPResponseStatus.SUCCESSFUL:
        raise RevocationUnknown(f"the OCSP responder answers {response.response_status.name.lower()}")
    # None is understood here, so a critical one cannot be ignored (RFC 6960 4.4).
    if any(found.critical for found in response.extensions):
        raise RevocationUnknown("the OCSP answer has a critical extension")
    # Before the entry is read: nothing of an unsigned answer may reach a message or a decision.
    responder = _check_signature(response, issuer, now)
    entry = _entry(response, certificate, issuer)
    until = _check_times(entry, now)
    # Notary "Revocation Checking with OCSP", 3: unknown means unavailable, never good.
    if entry.certificate_status is OCSPCertStatus.UNKNOWN:
        raise RevocationUnknown("the OCSP responder does not know the certificate")
    if entry.certificate_status is OCSPCertStatus.GOOD:
        return Finding(source, until), responder
    reason = entry.revocation_reason.value if entry.revocation_reason else "unspecified"
    found = Finding(source, until, entry.revocation_time_utc, reason, _invalid_from(response))
    return found, responder


def _check_signature(response: "OCSPResponse", issuer: Certificate, now: datetime) -> Certificate | None:
    """Check the signature; return a delegate's certificate unless it says that it need not be checked."""
    digest = response.signature_hash_algorithm
    if digest is None or digest.name not in STRONG_HASHES:
        raise RevocationUnknown("the OCSP answer is signed with a weak hash")
    # The issuer itself needs no delegation (RFC 6960 4.2.2.2).
    if _is_named(response, issuer):
        _verify(response, digest, issuer)
        return None
    delegate = _delegate(response, issuer)
    # Now, and not at the time of the signature: the answer is made today.
    if not delegate.not_before <= now <= delegate.not_after:
        raise RevocationUnknown("the OCSP responder's certificate is not valid now")
    _verify(response, digest, delegate)
    # id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1): trusted for as long as the certificate is valid.
    return None if extension(delegate.parsed.extensions, NO_CHECK) is not None else delegate


def _delegate(response: "OCSPResponse", issuer: Certificate) -> Certificate:
    """Return the responder's certificate, issued by the same authority for this purpose (section 4.2.2.2)."""
    from cryptography.hazmat.primitives.serialization import Encoding

    # Bounded: each one costs a parse and perhaps the check of a signature.
    for parsed in response.certificates[:5]:
        candidate = parse_certificate(parsed.public_bytes(Encoding.DER))
        extended = candidate.extended_key_usage
        if (
            _is_named(response, candidate)
            and extended is not None
            # Explicit (RFC 6960 4.2.2.2): no other certificate of the authority may answer for it.
            and OCSP_SIGNING in extended.purposes
            and candidate.is_issued_by(issuer)
        ):
            # It is not part of the chain, whose certificates were checked before.
            check_strength(candidate)
            return candidate
    raise RevocationUnknown(
        "the OCSP answer is signed by neither the issuer nor a responder that the issuer authorized"
    )


def _is_named(response: "OCSPResponse", certificate: Certificate) -> bool:
    if response.responder_key_hash is not None:
        return response.responder_key_hash == key_hash(certificate, "sha1")
    return response.responder_name == certificate.parsed.subject


def _verify(response: "OCSPResponse", digest: "HashAlgorithm", signer: Certificate) -> None:
    """Verify the signature with a key that is RSA or ECDSA, as the strength of every certificate here was checked."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    # By the key's type: the algorithm that an answer names must not choose the scheme.
    elliptic = isinstance(signer.key, EllipticCurvePublicKey)
    scheme = (ECDSA(digest),) if elliptic else (PKCS1v15(), digest)
    try:
        signer.key.verify(response.signature, response.tbs_response_bytes, *scheme)
    except InvalidSignature:
        raise RevocationUnknown("the OCSP answer's signature is not the responder's") from None


def _entry(response: "OCSPResponse", certificate: Certificate, issuer: Certificate) -> "OCSPSingleResponse":
    """Return the one entry, which must be about the certificate (section 3.2, 1 and 2)."""
    entries = tuple(response.responses)
    # One was asked for; among several the reader would have to choose.
    if len(entries) != 1:
        raise RevocationUnknown(f"the OCSP answer has {len(entries)} entries, not the one that was asked for")
    if any(found.critical for found in response.single_extensions):
        raise RevocationUnknown("the OCSP answer's entry has a critical extension")
    (entry,) = entries
    name = entry.hash_algorithm.name
    if (
        name not in _CERTIFICATE_ID_HASHES
        or entry.serial_number != certificate.parsed.serial_number
        # Serial numbers are unique within one issuer only, so its hashes have to match, too.
        or entry.issuer_key_hash != key_hash(issuer, name)
        or entry.issuer_name_hash != hashlib.new(name, issuer.parsed.subject.public_bytes()).digest()
    ):
        raise RevocationUnknown("the OCSP answer is about another certificate")
    return entry


def _check_times(entry: "OCSPSingleResponse", now: datetime) -> datetime:
    """Check that an answer is current (section 3.2, 5 and 6), and return until when."""
    if entry.this_update_utc > now + SKEW:
        raise RevocationUnknown("the OCSP answer comes from the future")
    until = entry.next_update_utc
    if until is None:
        if now - entry.this_update_utc > MAX_AGE:
            raise RevocationUnknown("the OCSP answer is older than a day")
        return now  # newer information is always to be had
    if now > until:
        raise RevocationUnknown(f"the OCSP answer ended at {format_time(until)}")
    return until


def _invalid_from(response: "OCSPResponse") -> datetime | None:
    # OCSP borrows the entry extensions of revocation lists (RFC 6960 4.4.5).
    date = extension(response.single_extensions, _INVALIDITY_DATE)
    found: datetime | None = date.invalidity_date_utc if date is not None else None
    return found


def key_hash(certificate: Certificate, name: str) -> bytes:
    """Return the hash of a public key, without its algorithm (section 4.1.1)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    spki = certificate.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bits = tuple(read_elements(read_element(spki, asn1.SEQUENCE).content))[1]
    # The first octet of a BIT STRING counts unused bits, and is not hashed.
    return hashlib.new(name, bits.content[1:]).digest()
