"""Revocation lists (RFC 5280, section 5 and 6.3): pure functions of bytes.

What a list could say in a way that this reader does not understand makes it say nothing: indirect lists, lists for some
reasons or some certificates only, unknown critical extensions.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.pki.certificates import Certificate
from pyratify.pki.revocation.certificate_status import HOLD, Finding, RevocationUnknown
from pyratify.pki.revocation.distribution_points import extension
from pyratify.pki.times import format_time

if TYPE_CHECKING:
    from cryptography.x509 import CertificateRevocationList, RevokedCertificate

# For clocks that differ. Not applied to the end, where it would prolong an old answer.
SKEW = timedelta(minutes=5)
# A collision of SHA-1 or MD5 would move an authority's signature to a list that it never made.
STRONG_HASHES = ("sha256", "sha384", "sha512")
CRL_NUMBER = "2.5.29.20"
DELTA_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
_REASON = "2.5.29.21"
_INVALIDITY_DATE = "2.5.29.24"
# RFC 5280 5.2: a list with a critical extension that cannot be processed must not be used.
_UNDERSTOOD = (DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT)
_REMOVED = "removeFromCRL"


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A revocation list whose issuer, signature and extensions have been checked, but not its times.

    Attributes:
        parsed: The library's object.
        number: Its number, or None.
        base: For a delta list, the number of the list it adds to; else None.
        this_update: When it was made.
        next_update: When the next one is made.
        size: Its bytes, by which searches of it are moved off the event loop.
    """

    parsed: "CertificateRevocationList"
    number: int | None
    base: int | None
    this_update: datetime
    next_update: datetime
    size: int

    def is_current(self, now: datetime) -> bool:
        """Return whether the next one is not yet due."""
        return now <= self.next_update


def read_list(data: bytes, certificate: Certificate, issuer: Certificate) -> RevocationList:
    """Parse a revocation list, and check that it is the issuer's and covers the certificate.

    Raises:
        RevocationUnknown: It is anything else.
    """
    try:
        return _read(data, certificate, issuer)
    except RevocationUnknown:
        raise
    except Exception:  # noqa: BLE001 - the library raises many kinds; each means that the list says nothing
        raise RevocationUnknown("the revocation list is malformed") from None


def look_up(
    certificate: Certificate, base: RevocationList, delta: RevocationList | None, now: datetime, source: str
) -> Finding:
    """Return what the list, and its delta list if there is one, say of a certificate.

    Raises:
        RevocationUnknown: A list is out of date, the two do not fit, or the certificate's entry is malformed.
    """
    # A delta list lacks what its base says: taken for a whole one, it would clear revoked certificates.
    if base.base is not None:
        raise RevocationUnknown("the revocation list is only a delta list")
    _check_made(base, now)
    entry = _entry(base, certificate)
    # A hold is the one reason that can be lifted (RFC 5280 5.3.1); any other entry is final.
    held = entry is None or _reason(entry) == HOLD
    # Notary "Revocation Checking with CRL", 3: an expired list still revokes, but never clears.
    if not base.is_current(now) and held:
        raise RevocationUnknown(f"the revocation list was to be replaced at {format_time(base.next_update)}")
    until = base.next_update
    if delta is not None and held:
        _check_delta(base, delta, now)
        changed = _entry(delta, certificate)
        entry = entry if changed is None else changed
        until = min(until, delta.next_update)
    return _finding(entry, source, until)


def is_final(certificate: Certificate, base: RevocationList) -> bool:
    """Return whether the list names the certificate for good, so that no delta list could change it.

    Raises:
        RevocationUnknown: Its entry is malformed.
    """
    entry = _entry(base, certificate)
    return entry is not None and _reason(entry) != HOLD


def _entry(source: RevocationList, certificate: Certificate) -> "RevokedCertificate | None":
    """Return the certificate's entry, with its extensions, which the library parses only when they are asked for."""
    try:
        found = source.parsed.get_revoked_certificate_by_serial_number(certificate.parsed.serial_number)
        if found is not None:
            # Parsed here, where the error is caught; later it would end the whole verification.
            _ = (found.extensions, found.revocation_date_utc)
    except Exception:  # noqa: BLE001 - the library raises many kinds; each means that the list says nothing
        raise RevocationUnknown("the revocation list's entry of the certificate is malformed") from None
    return found


def _read(data: bytes, certificate: Certificate, issuer: Certificate) -> RevocationList:
    # Imported late: cryptography.x509 takes 33 ms of a program's start (decision 0004).
    from cryptography.x509 import load_der_x509_crl

    parsed = load_der_x509_crl(data)
    # RFC 5280 6.3.3 (b)(1): without this, any list of a trusted authority would do.
    if parsed.issuer != certificate.parsed.issuer or parsed.issuer != issuer.parsed.subject:
        raise RevocationUnknown("the revocation list is another issuer's")
    digest = parsed.signature_hash_algorithm
    if digest is None or digest.name not in STRONG_HASHES:
        raise RevocationUnknown("the revocation list is signed with a weak hash")
    # RFC 5280 6.3.3 (f); a certificate without key usage is not restricted.
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage.usages:
        raise RevocationUnknown("the issuer's key must not sign revocation lists")
    if not parsed.is_signature_valid(issuer.key):
        raise RevocationUnknown("the revocation list's signature is not the issuer's")
    _check_extensions(parsed, certificate)
    # RFC 5280 5.1.2.5 requires it; an endless list could be replayed for ever.
    if parsed.next_update_utc is None:
        raise RevocationUnknown("the revocation list does not say when it ends")
    number, base = extension(parsed.extensions, CRL_NUMBER), extension(parsed.extensions, DELTA_INDICATOR)
    return RevocationList(
        parsed,
        number.crl_number if number else None,
        base.crl_number if base else None,
        parsed.last_update_utc,
        parsed.next_update_utc,
        len(data),
    )


def _check_extensions(parsed: "CertificateRevocationList", certificate: Certificate) -> None:
    for found in parsed.extensions:
        if found.critical and found.oid.dotted_string not in _UNDERSTOOD:
            raise RevocationUnknown("the revocation list has a critical extension that is not understood")
    point = extension(parsed.extensions, ISSUING_DISTRIBUTION_POINT)
    if point is None:
        return
    # Absence from a partial list proves nothing. Indirect ones are optional in Notary's "CRLs".
    if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
        raise RevocationUnknown("the revocation list is indirect or covers some reasons only")
    # An authority that shards its lists signs all of them; another shard would lack the certificate.
    if point.relative_name is not None or (point.full_name and not _names_point(point, certificate)):
        raise RevocationUnknown("the revocation list is for another distribution point")
    # RFC 5280 6.3.3 (b)(2)(ii) and (iii).
    excluded = point.only_contains_user_certs if certificate.is_ca else point.only_contains_ca_certs
    if excluded:
        raise RevocationUnknown("the revocation list does not cover certificates of this kind")


def _names_point(point: Any, certificate: Certificate) -> bool:
    """Return whether list and certificate name a distribution point in common (RFC 5280, section 6.3.3, b.2)."""
    from pyratify.pki.revocation.distribution_points import CRL_DISTRIBUTION_POINTS, FRESHEST_CRL

    extensions = certificate.parsed.extensions
    named = [
        name
        for oid in (CRL_DISTRIBUTION_POINTS, FRESHEST_CRL)
        for entry in extension(extensions, oid) or ()
        for name in entry.full_name or ()
    ]
    return any(name in named for name in point.full_name)


def _check_made(found: RevocationList, now: datetime) -> None:
    if found.this_update > now + SKEW:
        raise RevocationUnknown("the revocation list comes from the future")
    if found.next_update < found.this_update:
        raise RevocationUnknown("the revocation list ends before it begins")


def _check_delta(base: RevocationList, delta: RevocationList, now: datetime) -> None:
    """Check that a delta list is current and adds to this list (RFC 5280, section 5.2.4)."""
    _check_made(delta, now)
    if not delta.is_current(now):
        raise RevocationUnknown(f"the delta list was to be replaced at {format_time(delta.next_update)}")
    if base.number is None or delta.number is None or delta.base is None:
        raise RevocationUnknown("the lists have no numbers")
    if not delta.base <= base.number <= delta.number:
        raise RevocationUnknown(
            f"the delta list {delta.number} adds to list {delta.base} and does not fit list {base.number}"
        )


def _finding(entry: "RevokedCertificate | None", source: str, until: datetime) -> Finding:
    # removeFromCRL stands in delta lists, for a hold that was lifted (RFC 5280 5.3.1).
    if entry is None or _reason(entry) == _REMOVED:
        return Finding(source, until)
    for found in entry.extensions:
        # RFC 5280 5.3; among them the certificate issuer (5.3.3), which makes the entry another authority's.
        if found.critical and found.oid.dotted_string not in (_REASON, _INVALIDITY_DATE):
            raise RevocationUnknown("the revocation list's entry has a critical extension")
    date = extension(entry.extensions, _INVALIDITY_DATE)
    invalid_from = date.invalidity_date_utc if date else None
    return Finding(source, until, entry.revocation_date_utc, _reason(entry), invalid_from)


def _reason(entry: "RevokedCertificate") -> str:
    found = extension(entry.extensions, _REASON)
    return str(found.reason.value) if found else "unspecified"
