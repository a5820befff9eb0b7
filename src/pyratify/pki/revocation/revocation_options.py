"""Bounds on what revocation may cost."""

from pyratify.core.dataclass import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationOptions:
    """Bounds, in seconds and bytes.

    Attributes:
        ocsp_seconds: For one OCSP responder (the specification's default).
        list_seconds: For one revocation list (the specification's default).
        certificate_seconds: For all questions about one certificate.
        dead_seconds: How long a server that did not answer, or not to the purpose, is left alone.
        max_age_seconds: How long an answer counts at most, whatever it says itself.
        ocsp_bytes: The largest OCSP answer.
        list_bytes: The largest revocation list.
    """

    ocsp_seconds: float = 2.0
    list_seconds: float = 5.0
    # One responder and one list at their limits.
    certificate_seconds: float = 7.0
    dead_seconds: float = 60.0
    # A revocation is known after a day at the latest, even where lists are made for a month.
    max_age_seconds: float = 24 * 3600.0
    ocsp_bytes: int = 64 * 1024
    list_bytes: int = 32 * MIB
