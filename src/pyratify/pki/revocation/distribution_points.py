"""Where a certificate says that its revocation can be looked up (RFC 5280, sections 4.2.1.13, 4.2.1.15 and 4.2.2.1)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyratify.pki.certificates import Certificate
from pyratify.pki.revocation.certificate_status import RevocationUnknown

if TYPE_CHECKING:
    from cryptography.x509 import DistributionPoint, Extensions

# A certificate could name thousands of URLs, and each may cost its whole timeout.
MAX_LOCATIONS = 5
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
FRESHEST_CRL = "2.5.29.46"
AUTHORITY_INFORMATION = "1.3.6.1.5.5.7.1.1"
_OCSP = "1.3.6.1.5.5.7.48.1"


def ocsp_locations(certificate: Certificate) -> tuple[str, ...]:
    """Return the OCSP responders, at most five, in order."""
    value = extension(certificate.parsed.extensions, AUTHORITY_INFORMATION)
    if value is None:
        return ()
    entries = [entry for entry in value if entry.access_method.dotted_string == _OCSP]
    return tuple(dict.fromkeys(_uris(entry.access_location for entry in entries)))[:MAX_LOCATIONS]


def names_lists(certificate: Certificate) -> bool:
    """Return whether the certificate has the extension that names revocation lists, readable or not."""
    return extension(certificate.parsed.extensions, CRL_DISTRIBUTION_POINTS) is not None


def can_be_looked_up(certificate: Certificate) -> bool:
    """Return whether the certificate names an OCSP responder or a revocation list."""
    return bool(ocsp_locations(certificate)) or names_lists(certificate)


def list_locations(certificate: Certificate) -> tuple[str, ...]:
    """Return where revocation lists are, at most five, in order.

    Raises:
        RevocationUnknown: It names lists of other issuers or for some reasons only, or none that can be fetched.
    """
    return _points(extension(certificate.parsed.extensions, CRL_DISTRIBUTION_POINTS))


def delta_locations(extensions: "Extensions") -> tuple[str, ...]:
    """Return where delta lists are, of a certificate or a revocation list; empty where there are none.

    Raises:
        RevocationUnknown: It names delta lists, and none that can be fetched.
    """
    value = extension(extensions, FRESHEST_CRL)
    return () if value is None else _points(value)


def extension(extensions: "Extensions", oid: str) -> Any:
    """Return the value of the extension with the object identifier, or None."""
    return next((found.value for found in extensions if found.oid.dotted_string == oid), None)


def _points(points: "Iterable[DistributionPoint] | None") -> tuple[str, ...]:
    # Lists of other issuers, or for some reasons only (RFC 5280 4.2.1.13), could not prove anything here.
    usable = [point for point in points or () if not point.crl_issuer and point.reasons is None]
    names = [name for point in usable for name in point.full_name or ()]
    found = tuple(dict.fromkeys(_uris(names)))[:MAX_LOCATIONS]
    # Not an empty tuple: that would mean that nothing has to be asked.
    if not found:
        raise RevocationUnknown("it names no revocation list that can be used")
    return found


def _uris(names: Iterable[Any]) -> Iterable[str]:
    from cryptography.x509 import UniformResourceIdentifier

    return (name.value for name in names if isinstance(name, UniformResourceIdentifier))
