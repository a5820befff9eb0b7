"""The revocation of one signature's chains (trust-store-trust-policy.md, "Certificate Revocation Evaluation")."""

import asyncio
from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.chain import Chain
from pyratify.pki.revocation.certificate_status import CertificateStatus, Status, worst
from pyratify.pki.revocation.checker import RevocationChecker


@dataclass(slots=True)
class RevocationLookup:
    """Looks up the revocation of one signature's chains within one deadline.

    Attributes:
        checker: Looks up chains.
        deadline: When the time for this signature is over, on the checker's monotonic clock.
        found: The status of every certificate that was looked up.
    """

    checker: RevocationChecker
    deadline: float
    found: tuple[CertificateStatus, ...] = ()

    async def check(self, chain: Chain, signed_at: datetime | None) -> None:
        """Refuse a chain unless none of its certificates is revoked.

        Args:
            chain: A chain that leads to a trusted root; an untrusted one must not trigger requests to the URLs it names.
            signed_at: The authentic time of the signature, where there is one.

        Raises:
            VerificationError: `CERT_REVOKED`.
            InconclusiveError: `REVOCATION_UNKNOWN`.
        """
        left = self.deadline - self.checker.memory.clock.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                statuses = await self.checker.check(chain, signed_at)
        except TimeoutError:
            # Inconclusive, because a slow responder says nothing about the certificate.
            raise unknown("it took too long to look up the chain's revocation") from None
        self.found += statuses  # before the decision, because reports list what was found in any case
        decisive = worst(statuses)
        if decisive is None:
            return
        message = f"the certificate {decisive.subject!a}: {decisive.detail}"
        if decisive.status is Status.REVOKED:
            raise VerificationError(Reason.CERT_REVOKED, message)
        raise unknown(message)


def unknown(message: str) -> InconclusiveError:
    """Return the error for a revocation that is not known."""
    return InconclusiveError(Reason.REVOCATION_UNKNOWN, message)
