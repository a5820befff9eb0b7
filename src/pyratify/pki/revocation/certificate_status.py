"""What is known of a certificate's revocation."""

from datetime import datetime
from enum import StrEnum

from pyratify.core.dataclass import dataclass

HOLD = "certificateHold"


class Status(StrEnum):
    """Whether a certificate is revoked."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class RevocationUnknown(Exception):
    """A source says nothing that can be relied upon; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a source says of one certificate, whatever the time of the signature.

    Attributes:
        source: Where it comes from, for messages.
        until: When the source wants to be asked again.
        revoked_at: When the certificate was revoked; None where it is not.
        reason: Why, under the names of RFC 5280, section 5.3.1.
        invalid_from: Since when the key is known not to be trusted, if the source says so.
    """

    source: str
    until: datetime
    revoked_at: datetime | None = None
    reason: str = ""
    invalid_from: datetime | None = None

    def is_revoked(self, signed_at: datetime | None) -> bool:
        """Return whether a signature counts as made with a revoked certificate.

        Args:
            signed_at: The authentic time of the signature; None where there is none.
        """
        if self.revoked_at is None:
            return False
        # Notary trust-store-trust-policy.md, "Revocation Checking with CRL", 3: older than the invalidity
        # date a signature stands. Only by an authentic time: a stolen key can claim any other.
        return self.invalid_from is None or signed_at is None or self.invalid_from <= signed_at


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """The revocation status of one certificate of a chain.

    Attributes:
        subject: The certificate's subject.
        status: The status.
        detail: One sentence that says how that is known, or why it is not.
    """

    subject: str
    status: Status
    detail: str


def worst(statuses: tuple[CertificateStatus, ...]) -> CertificateStatus | None:
    """Return what decides for a chain: the first that is revoked, else the first that is unknown, else None."""
    # Revoked first, wherever in the chain: a source that is down for one certificate must not hide it.
    for status in (Status.REVOKED, Status.UNKNOWN):
        found = next((entry for entry in statuses if entry.status is status), None)
        if found is not None:
            return found
    return None
