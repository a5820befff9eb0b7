"""The authentic time of a signature.

Notary Project, trust-store-trust-policy.md, "Signature Verification", step 6.
"""

from datetime import datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.chain import Chain
from pyratify.pki.times import format_time
from pyratify.pki.timestamp.token import Timestamp
from pyratify.verifiers.notation.envelope import SIGNING_AUTHORITY, Envelope
from pyratify.verifiers.notation.revocation_check import RevocationLookup
from pyratify.verifiers.notation.trust_policy import TrustPolicy, VerifyTimestamp
from pyratify.verifiers.notation.verified_cache import TimestampCache

# Allowance for signers whose clocks are ahead; the specification states none.
CLOCK_SKEW = timedelta(minutes=5)
_PRICE = 4  # reading DER takes four times as long as reading JSON


@dataclass(slots=True)
class AuthenticTime:
    """Establishes the authentic time of one signature.

    Attributes:
        envelope: The envelope.
        chain: Its chain.
        policy: The trust policy that applies.
        authorities: The roots of the policy's trust stores of type tsa.
        timestamps: Verifies timestamps.
        lookup: Looks up the revocation of the timestamp authority.
        now: The current time.
        signed_at: The authentic time, once it is established; the latest that it can be.
        timestamp: The timestamp, once it is verified.
    """

    envelope: Envelope
    chain: Chain
    policy: TrustPolicy
    authorities: tuple[Certificate, ...]
    timestamps: TimestampCache
    lookup: RevocationLookup
    now: datetime
    signed_at: datetime | None = None
    timestamp: Timestamp | None = None

    async def check(self) -> None:
        """Check that the certificates were valid at the authentic time.

        Raises:
            VerificationError: `CERT_EXPIRED`, `TIME_INVALID`, `TIME_SOURCE_MISSING`, `TIMESTAMP_INVALID` or
                `CERT_REVOKED` for the timestamp authority's.
            InconclusiveError: `REVOCATION_UNKNOWN` for the timestamp authority's certificates.
        """
        envelope = self.envelope
        if envelope.signing_time > self.now + CLOCK_SKEW:
            raise VerificationError(
                Reason.TIME_INVALID, f"the signature says it was made at {format_time(envelope.signing_time)}"
            )
        if envelope.scheme == SIGNING_AUTHORITY:
            # The authority vouches for the time, so certificates may have expired since (step 6, ii).
            self.chain.check_validity(envelope.signing_time)
            self.signed_at = envelope.signing_time
        elif self._needs_timestamp():
            size = _PRICE * len(self.envelope.timestamp or b"")
            timestamp = await offload(size, self._timestamp)
            # A stolen key of an authority can claim any time, so no signing time excuses its revocation.
            await self.lookup.check(timestamp.chain, None)
            # Only now: where the policy merely logs a failure, an unproven time must not excuse a revocation.
            # The later limit, because a certificate that was revoked before it must count as revoked.
            self.timestamp, self.signed_at = timestamp, timestamp.latest
        else:
            self.chain.check_validity(self.now)

    def _needs_timestamp(self) -> bool:
        """Return whether the policy requires a timestamp ("Timestamp Countersignature Verification details")."""
        if not self.policy.stores_of("tsa"):
            return False
        # Any certificate of the chain, not the signer's alone (`verifyTimestamp`, Version 1.0).
        expired = any(self.now > certificate.not_after for certificate in self.chain.certificates)
        return self.policy.verify_timestamp is VerifyTimestamp.ALWAYS or expired

    def _timestamp(self) -> Timestamp:
        try:
            return self._verified()
        except VerificationError as error:
            self._refuse_expired(error.message)
            raise

    def _verified(self) -> Timestamp:
        if not self.envelope.timestamp:
            raise VerificationError(
                Reason.TIME_SOURCE_MISSING, "the policy asks for a timestamp and the signature has none"
            )
        token, signature = self.envelope.timestamp, self.envelope.signature
        timestamp = self.timestamps.verify(token, signature, self.authorities, self.now)
        # The whole range must be within the validity; both ends suffice, as a validity has no gaps.
        for time in (timestamp.earliest, timestamp.latest):
            try:
                self.chain.check_validity(time)
            except VerificationError as error:
                raise VerificationError(
                    Reason.TIMESTAMP_INVALID, f"the timestamp proves no valid time: {error.message}"
                ) from None
        return timestamp

    def _refuse_expired(self, why: str) -> None:
        """Report expired certificates first; the timestamp is only the reason why that was not excused."""
        try:
            self.chain.check_validity(self.now)
        except VerificationError as error:
            raise VerificationError(error.reason, f"{error.message}; {why}") from None
