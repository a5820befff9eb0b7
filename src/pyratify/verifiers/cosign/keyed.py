"""Signatures held against configured keys: the steps that classic signatures and bundles share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import Clock
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, RatifyError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.keys import PublicKey
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.material import Material
from pyratify.verifiers.cosign.mismatch import unsigned
from pyratify.verifiers.cosign.policy import CosignTrustPolicy
from pyratify.verifiers.cosign.signature import attempts, is_signed

if TYPE_CHECKING:
    from pyratify.verifiers.cosign.trusting import Trusting


MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """A trust policy with its keys loaded.

    Attributes:
        policy: The policy.
        keys: Its keys, at least one.
        clock: What time it is, where nothing proves when a signature was made.
        trusting: What log entries and timestamps are held against; None where they are not looked at.
    """

    policy: CosignTrustPolicy
    keys: tuple[PublicKey, ...]
    clock: Clock
    trusting: "Trusting | None" = None

    @property
    def noun(self) -> str:
        """What it trusts, for messages."""
        return "key"

    @property
    def usual_price(self) -> int:
        """What a signature usually costs that is tried with each key, in units of about 0.1 ms."""
        return 4 * len(self.keys) + (0 if self.trusting is None else self.trusting.usual_price)

    def price(self, material: Material) -> int:
        """Return what authenticating a signature costs at most, in units of about 0.1 ms."""
        tried = (attempts(key, material.signed, material.signature) for key in self.keys)
        keys = sum(attempt.price for each in tried for attempt in each)
        return max(1, keys) + (0 if self.trusting is None else self.trusting.price(material))

    def authenticate(self, material: Material) -> tuple[str, Mapping[str, Any]]:
        """Return the key that made a signature, and what is known of its proofs where these are asked for.

        Raises:
            VerificationError: `SIG_INVALID`, `TIME_OUTSIDE_VALIDITY`, or why the proofs do not suffice.
        """
        key = next((each for each in self.keys if is_signed(each, material.signed, material.signature)), None)
        if key is None:
            raise unsigned(material, tuple(each.fingerprint for each in self.keys))
        if self.trusting is not None:
            return key.fingerprint, self.trusting.prove(material, key)
        check_period(key, (), self.clock.now())
        return key.fingerprint, {}

    def valid_until(self, signers: Collection[str]) -> datetime | None:
        """Return when the period of one of these signers' keys ends, if that is yet to come."""
        ends = (key.validity.end for key in self.keys if key.fingerprint in signers)
        return min((end for end in ends if end is not None and end > self.clock.now()), default=None)


def check_period(key: PublicKey, times: tuple[datetime, ...], now: datetime) -> None:
    """Refuse a signature that was made outside of its key's period, or that cannot be shown to have been made inside.

    Args:
        key: The key.
        times: When trusted parties saw the signature; where there are none, only the present is known.
        now: The present.

    Raises:
        VerificationError: `TIME_OUTSIDE_VALIDITY`.
    """
    for time in times or (now,):
        if not key.validity.covers(time):
            what = (
                "the signature was made"
                if times
                else "nothing proves when the signature was made, and it is now"
            )
            raise VerificationError(
                Reason.TIME_OUTSIDE_VALIDITY,
                f"{what} {time:%Y-%m-%dT%H:%M:%SZ}, outside of the period of the key {key.origin}",
                remedy="Sign again with a key that is in use; where a timestamp proves the time, name a trusted root.",
            )


def load_keys(policy: CosignTrustPolicy, clock: Clock) -> TrustedKeys:
    """Load a policy's keys, and its trusted root where it has one.

    Raises:
        ConfigurationError: `KEY_INVALID`, `TRUST_ROOT`, or too many keys.
    """
    from pyratify.pki.keys import load_public_keys

    keys: dict[str, PublicKey] = {}
    for key in (key for material in policy.keys for key in load_public_keys(material)):
        if keys.setdefault(key.fingerprint, key).validity != key.validity:
            raise ConfigurationError(
                f"a key is named twice, with different periods: {key.origin}",
                path="keys",
                reason=Reason.KEY_INVALID,
            )
    if len(keys) > MAX_KEYS:
        raise ConfigurationError(
            f"a cosign trust policy has {len(keys)} keys, more than the {MAX_KEYS} allowed", path="keys"
        )
    if not policy.has_trust:
        return TrustedKeys(policy, tuple(keys.values()), clock)
    from pyratify.verifiers.cosign.trusting import load_trusting

    return TrustedKeys(policy, tuple(keys.values()), clock, load_trusting(policy, clock))


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one signature.

    Attributes:
        digest: The layer that holds it.
        signer: Who made it; None when it does not count.
        error: Why it does not count.
        facts: What else is known of it, for the report.
    """

    digest: Digest
    signer: str | None = None
    error: RatifyError | None = None
    facts: dict[str, Any] = field(default_factory=dict, hash=False)

    def as_data(self) -> dict[str, Any]:
        """Return the entry of the report; digest, succeeded and error are Ratify v2's."""
        data: dict[str, Any] = {
            "digest": str(self.digest),
            "succeeded": self.signer is not None,
            **self.facts,
        }
        if self.signer is not None:
            data["signer"] = self.signer
        if self.error is not None:
            data["error"] = f"{self.error.reason}: {self.error.message}"
        return data


def check_certificate(data: bytes) -> None:
    """Refuse what stands in the place of a certificate and is none, as a bare public key would be.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`.
    """
    from pyratify.pki.certificates import InvalidCertificate, load_x509

    try:
        load_x509(data)
    except InvalidCertificate as error:
        fields.malformed(f"where a certificate belongs there is none that can be read: {error}")
