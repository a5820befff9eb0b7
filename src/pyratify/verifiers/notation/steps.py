"""The validations of one signature, and what becomes of those that fail.

Notary Project, trust-store-trust-policy.md, "Signature Verification", steps 3 to 7.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pyratify.core.errors import Failure, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.algorithms import algorithm_for, verify_signature
from pyratify.pki.chain import Chain
from pyratify.pki.names import InvalidName, subject_of
from pyratify.pki.times import format_time
from pyratify.verifiers.notation.anchors import Anchors
from pyratify.verifiers.notation.envelope import SIGNING_AUTHORITY, Envelope
from pyratify.verifiers.notation.policy import Action, Check, TrustPolicy, VerifyTimestamp

CLOCK_SKEW = timedelta(minutes=5)
_MAX_AGENT = 200


class NotationFailure(VerificationError):
    """An enforced validation failed.

    Args:
        check: Which one.
        failure: Why.
    """

    def __init__(self, check: Check, failure: VerificationError) -> None:
        super().__init__(failure.reason, f"{check} failed: {failure.message}", remedy=failure.remedy)
        self.check = check


@dataclass(slots=True)
class Checks:
    """Runs validations as a trust policy wants them, and remembers their outcomes.

    Attributes:
        policy: The trust policy that applies.
        outcomes: `passed`, `failed`, `skipped` or `not checked` by validation.
        warnings: What failed and was only to be reported.
    """

    policy: TrustPolicy
    outcomes: dict[str, str] = field(default_factory=dict)
    warnings: list[Failure] = field(default_factory=list)

    def run(self, check: Check, validation: Callable[[], None]) -> None:
        """Run one validation.

        Raises:
            NotationFailure: It failed and the policy enforces it.
        """
        try:
            validation()
        except VerificationError as error:
            if self.policy.actions[check] is not Action.LOG:
                raise NotationFailure(check, error) from None
            self.outcomes[check] = "failed"
            self.warn(error.reason, f"{check} failed and was only to be reported: {error.message}")
        else:
            self.outcomes[check] = "passed"

    def leave_out(self, check: Check) -> None:
        """Note that a validation was not made, because the policy skips it or because this version has none."""
        skipped = self.policy.actions[check] is Action.SKIP
        self.outcomes[check] = "skipped" if skipped else "not checked"

    def warn(self, reason: Reason, message: str) -> None:
        """Add a warning."""
        self.warnings.append(Failure(reason, message, reason.remedy))

    @property
    def is_authentic(self) -> bool:
        """Whether the signer is known to be trusted."""
        return self.outcomes.get(Check.AUTHENTICITY) == "passed"


def check_signature(envelope: Envelope, chain: Chain) -> None:
    """Check the signature over payload and signed attributes (steps 3.4 and 3.5).

    Raises:
        VerificationError: `ALG_NOT_ALLOWED` where the algorithm is not the key's own, or `SIG_INVALID`.
    """
    algorithm = algorithm_for(chain.leaf.key)
    if envelope.algorithm != algorithm:
        raise VerificationError(
            Reason.ALG_NOT_ALLOWED,
            f"the envelope says {envelope.algorithm.name}, and the certificate's key signs with {algorithm.name}",
        )
    verify_signature(chain.leaf.key, algorithm, envelope.signature, envelope.signed)


def check_authenticity(envelope: Envelope, chain: Chain, policy: TrustPolicy, anchors: Anchors) -> None:
    """Check that a trusted authority vouches for a trusted identity (step 4).

    The signing scheme decides which type of trust store counts (signing-scheme.md, "Trust Stores").

    Raises:
        VerificationError: `CHAIN_UNTRUSTED` or `IDENTITY_MISMATCH`.
    """
    kind = "signingAuthority" if envelope.scheme == SIGNING_AUTHORITY else "ca"
    stores = policy.stores_of(kind)
    if not any(chain.is_anchored(anchors.get(store, ())) for store in stores):
        named = ", ".join(map(str, stores)) or f"none of the type {kind}"
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            f"no certificate of the chain is in the trust stores of the policy: {named}",
        )
    if policy.identities is None:
        return
    try:
        subject: Mapping[str, str] = subject_of(chain.leaf)
    except InvalidName as error:
        raise VerificationError(Reason.IDENTITY_MISMATCH, str(error)) from None
    if not any(identity.matches(subject) for identity in policy.identities):
        raise VerificationError(
            Reason.IDENTITY_MISMATCH, f"{chain.leaf.subject!r} is none of the policy's trusted identities"
        )


def check_expiry(envelope: Envelope, now: datetime) -> None:
    """Check that the signature has not expired (step 5).

    Raises:
        VerificationError: `SIG_EXPIRED`.
    """
    if envelope.expiry is not None and now >= envelope.expiry:
        raise VerificationError(
            Reason.SIG_EXPIRED, f"the signature counted until {format_time(envelope.expiry)}"
        )


def check_timestamp(envelope: Envelope, chain: Chain, policy: TrustPolicy, now: datetime) -> None:
    """Check that the certificates were valid when it mattered (step 6).

    That is now, unless a signing authority vouches for the time. Timestamps are not verified in this version: where the
    policy asks for one, this fails.

    Raises:
        VerificationError: `CERT_EXPIRED`, `TIME_INVALID`, `TIME_SOURCE_MISSING` or `TIMESTAMP_INVALID`.
    """
    if envelope.signing_time > now + CLOCK_SKEW:
        raise VerificationError(
            Reason.TIME_INVALID, f"the signature says it was made at {format_time(envelope.signing_time)}"
        )
    if envelope.scheme == SIGNING_AUTHORITY:
        chain.check_validity(envelope.signing_time)
    elif needs_timestamp(chain, policy, now):
        check_countersignature(envelope)
    else:
        chain.check_validity(now)


def needs_timestamp(chain: Chain, policy: TrustPolicy, now: datetime) -> bool:
    """Tell whether the policy wants the timestamp verified ("Timestamp Countersignature Verification details")."""
    if not policy.stores_of("tsa"):
        return False
    expired = any(now > certificate.not_after for certificate in chain.certificates)
    return policy.verify_timestamp is VerifyTimestamp.ALWAYS or expired


def check_countersignature(envelope: Envelope) -> None:
    """Refuse, because timestamps cannot be verified yet; a timestamp that nobody verified proves nothing.

    Raises:
        VerificationError: `TIME_SOURCE_MISSING` without a timestamp, else `TIMESTAMP_INVALID`.
    """
    if envelope.timestamp is None:
        raise VerificationError(
            Reason.TIME_SOURCE_MISSING, "the policy asks for a timestamp and the signature has none"
        )
    raise VerificationError(
        Reason.TIMESTAMP_INVALID,
        "the policy asks for a verified timestamp, which this version cannot verify",
        remedy="Take the trust stores of type tsa out of the trust policy; then certificates must be valid now.",
    )


def facts(envelope: Envelope, chain: Chain, checks: Checks) -> dict[str, Any]:
    """Return what was found, as JSON values; `Issuer` and `SN` are Ratify's names for issuer and subject."""
    leaf = chain.leaf
    return {
        "Issuer": leaf.issuer,
        "SN": leaf.subject,
        "trustPolicy": checks.policy.name,
        "level": checks.policy.level,
        "checks": {str(check): outcome for check, outcome in checks.outcomes.items()},
        "revocation": checks.outcomes[Check.REVOCATION],
        "mediaType": envelope.media_type,
        "algorithm": envelope.algorithm.name,
        "signingScheme": envelope.scheme,
        "signingTime": format_time(envelope.signing_time),
        "expiry": format_time(envelope.expiry) if envelope.expiry else None,
        "signingAgent": envelope.agent[:_MAX_AGENT] if envelope.agent else None,
        "certificates": [certificate.fingerprint for certificate in chain.certificates],
    }
