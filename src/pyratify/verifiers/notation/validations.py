"""The validations of one signature, and the actions for those that fail.

Notary Project, trust-store-trust-policy.md, "Signature Verification", steps 3 to 7.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.details import common_facts
from pyratify.core.errors import Failure, InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.chain import Chain
from pyratify.pki.names import InvalidName, subject_of
from pyratify.pki.times import format_time
from pyratify.verifiers.notation.algorithms import algorithm_for, verify_signature
from pyratify.verifiers.notation.authentic_time import AuthenticTime
from pyratify.verifiers.notation.envelope import SIGNING_AUTHORITY, Envelope
from pyratify.verifiers.notation.trust_anchors import Anchors
from pyratify.verifiers.notation.trust_policy import Action, Check, TrustPolicy

_MAX_AGENT = 200  # unsigned text, of any length


class NotationFailure(VerificationError):
    """An enforced validation failed.

    Args:
        check: Which one.
        failure: Why.
    """

    def __init__(self, check: Check, failure: VerificationError) -> None:
        super().__init__(failure.reason, f"{check} failed: {failure.message}", remedy=failure.remedy)
        self.check = check


class NotationUndecided(InconclusiveError):
    """An enforced validation could not be decided.

    Args:
        check: Which one.
        failure: Why.
    """

    def __init__(self, check: Check, failure: InconclusiveError) -> None:
        super().__init__(
            failure.reason, f"{check} could not be decided: {failure.message}", remedy=failure.remedy
        )
        self.check = check


@dataclass(slots=True)
class Validations:
    """Runs validations with the actions of a trust policy, and records their outcomes.

    Attributes:
        policy: The trust policy that applies.
        outcomes: `passed`, `failed` or `skipped` by validation.
        warnings: Failures whose action is to log.
    """

    policy: TrustPolicy
    outcomes: dict[str, str] = field(default_factory=dict)
    warnings: list[Failure] = field(default_factory=list)

    def run(self, check: Check, validation: Callable[[], None]) -> None:
        """Run one validation.

        Raises:
            NotationFailure: It failed and the policy enforces it.
        """
        with self._judged(check):
            validation()

    async def wait_for(self, check: Check, validation: Callable[[], Awaitable[None]]) -> None:
        """Run one asynchronous validation, unless the policy skips it.

        Raises:
            NotationFailure: It failed and the policy enforces it.
            NotationUndecided: It could not be decided and the policy enforces it.
        """
        if not self._skips(check):
            with self._judged(check):
                await validation()

    def _skips(self, check: Check) -> bool:
        if self.policy.actions[check] is not Action.SKIP:
            return False
        self.outcomes[check] = "skipped"
        return True

    @contextmanager
    def _judged(self, check: Check) -> Iterator[None]:
        try:
            yield
        except (VerificationError, InconclusiveError) as error:
            if self.policy.actions[check] is not Action.LOG:  # only an explicit `log` lets a failure pass
                raise _enforced(check, error) from None
            self.outcomes[check] = "failed"
            self.warn(error.reason, f"{check} failed and was only to be reported: {error.message}")
        else:
            self.outcomes[check] = "passed"

    def warn(self, reason: Reason, message: str) -> None:
        """Add a warning."""
        self.warnings.append(Failure(reason, message, reason.remedy))

    @property
    def is_authentic(self) -> bool:
        """Whether the signer is known to be trusted."""
        return self.outcomes.get(Check.AUTHENTICITY) == "passed"


def _enforced(
    check: Check, error: VerificationError | InconclusiveError
) -> NotationFailure | NotationUndecided:
    if isinstance(error, VerificationError):
        return NotationFailure(check, error)
    return NotationUndecided(check, error)


def check_signature(envelope: Envelope, chain: Chain) -> None:
    """Check the signature over payload and signed attributes (steps 3.4 and 3.5).

    Raises:
        VerificationError: `ALG_NOT_ALLOWED` where the algorithm is not the key's own, or `SIG_INVALID`.
    """
    # From the key, not from the header, which could name a weaker one ("Algorithm Selection").
    algorithm = algorithm_for(chain.leaf.key)
    if envelope.algorithm != algorithm:
        raise VerificationError(
            Reason.ALG_NOT_ALLOWED,
            f"the envelope says {envelope.algorithm.name}, and the certificate's key signs with {algorithm.name}",
        )
    verify_signature(chain.leaf.key, algorithm, envelope.signature, envelope.signed)


def check_authenticity(envelope: Envelope, chain: Chain, policy: TrustPolicy, anchors: Anchors) -> None:
    """Check that the chain leads to a trust store and the signer is a trusted identity (step 4).

    Raises:
        VerificationError: `CHAIN_UNTRUSTED` or `IDENTITY_MISMATCH`.
    """
    check_trust(envelope, chain, policy, anchors)
    check_identity(chain, policy)


def check_trust(envelope: Envelope, chain: Chain, policy: TrustPolicy, anchors: Anchors) -> None:
    """Check that the chain leads to a trust store of the policy.

    The signing scheme decides which type of trust store counts (signing-scheme.md, "Trust Stores").

    Raises:
        VerificationError: `CHAIN_UNTRUSTED`.
    """
    # Otherwise a signer under a store `ca` could choose the time that counts.
    kind = "signingAuthority" if envelope.scheme == SIGNING_AUTHORITY else "ca"
    stores = policy.stores_of(kind)
    if not any(chain.is_anchored(anchors.get(store, ())) for store in stores):
        named = ", ".join(map(str, stores)) or f"none of the type {kind}"
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            f"no certificate of the chain is in the trust stores of the policy: {named}",
        )


def check_identity(chain: Chain, policy: TrustPolicy) -> None:
    """Check that the signing certificate's subject is one of the policy's trusted identities.

    Raises:
        VerificationError: `IDENTITY_MISMATCH`.
    """
    if policy.identities is None:
        return
    try:
        subject: Mapping[str, str] = subject_of(chain.leaf)
    except InvalidName as error:
        raise VerificationError(Reason.IDENTITY_MISMATCH, str(error)) from None
    if not any(identity.matches(subject) for identity in policy.identities):
        raise VerificationError(
            Reason.IDENTITY_MISMATCH,
            f"{chain.leaf.subject!r} is not one of the policy's trusted identities{_others(policy)}",
        )


def _others(policy: TrustPolicy) -> str:
    if not policy.other_identities:
        return ""
    return f", of which no certificate matches {', '.join(policy.other_identities)[:200]!r}"


def check_expiry(envelope: Envelope, now: datetime) -> None:
    """Check that the signature has not expired (step 5).

    Raises:
        VerificationError: `SIG_EXPIRED`.
    """
    # At the very moment it has expired (signature-specification.md, "Expiry").
    if envelope.expiry is not None and now >= envelope.expiry:
        raise VerificationError(
            Reason.SIG_EXPIRED, f"the signature counted until {format_time(envelope.expiry)}"
        )


def _common(time: AuthenticTime) -> dict[str, str]:
    leaf, stamp = time.chain.leaf, time.timestamp
    # The signer's own statement is signed too, and the only time where there is no timestamp.
    signed_at = stamp.time if stamp else time.envelope.signing_time
    root = time.chain.certificates[-1].subject
    return common_facts(leaf.subject, issuer=leaf.issuer, root=root, signed_at=signed_at)


def facts(time: AuthenticTime, checks: Validations) -> dict[str, Any]:
    """Return what was found, as JSON values; `Issuer` and `SN` are Ratify's names for issuer and subject."""
    envelope, chain, stamp = time.envelope, time.chain, time.timestamp
    leaf = chain.leaf
    return {
        **(_common(time) if checks.is_authentic else {}),
        "Issuer": leaf.issuer,
        "SN": leaf.subject,
        "trustPolicy": checks.policy.name,
        "level": checks.policy.level,
        "checks": {str(check): outcome for check, outcome in checks.outcomes.items()},
        "revocation": checks.outcomes[Check.REVOCATION],
        "revocationFindings": [
            {"subject": found.subject, "status": str(found.status), "detail": found.detail}
            for found in time.lookup.found
        ],
        "mediaType": envelope.media_type,
        "algorithm": envelope.algorithm.name,
        "signingScheme": envelope.scheme,
        "signingTime": format_time(envelope.signing_time),
        "timestamp": format_time(stamp.time) if stamp else None,
        "timestampAuthority": stamp.chain.leaf.subject if stamp else None,
        "expiry": format_time(envelope.expiry) if envelope.expiry else None,
        "signingAgent": envelope.agent[:_MAX_AGENT] if envelope.agent else None,
        "certificates": [certificate.fingerprint for certificate in chain.certificates],
    }
