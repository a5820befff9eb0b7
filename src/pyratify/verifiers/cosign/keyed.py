"""Signatures held against configured keys: the steps that classic signatures and bundles share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import Clock
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, RatifyError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.keys import PublicKey
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.material import Material
from pyratify.verifiers.cosign.policy import CosignTrustPolicy
from pyratify.verifiers.cosign.signature import is_signed

if TYPE_CHECKING:
    from pyratify.verifiers.cosign.trusting import Trusting


MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """A trust policy with its keys loaded.

    Attributes:
        policy: The policy.
        keys: Its keys, at least one.
        trusting: What log entries and timestamps are held against; None where they are not looked at.
    """

    policy: CosignTrustPolicy
    keys: tuple[PublicKey, ...]
    trusting: "Trusting | None" = None

    @property
    def noun(self) -> str:
        """What it trusts, for messages."""
        return "key"

    def authenticate(self, material: Material) -> tuple[str, Mapping[str, Any]]:
        """Return the key that made a signature, and what is known of its proofs where these are asked for.

        Raises:
            VerificationError: `SIG_INVALID`, or why the proofs do not suffice.
        """
        key = next((each for each in self.keys if is_signed(each, material.signed, material.signature)), None)
        if key is None:
            count = len(self.keys)
            which = "the configured key" if count == 1 else f"any of the {count} configured keys"
            raise VerificationError(Reason.SIG_INVALID, f"the signature was not made with {which}")
        return key.fingerprint, {} if self.trusting is None else self.trusting.prove(material, key)


def load_keys(policy: CosignTrustPolicy, clock: Clock) -> TrustedKeys:
    """Load a policy's keys, and its trusted root where it has one.

    Raises:
        ConfigurationError: `KEY_INVALID`, `TRUST_ROOT`, or too many keys.
    """
    from pyratify.pki.keys import load_public_keys

    keys = {key.fingerprint: key for material in policy.keys for key in load_public_keys(material)}
    if len(keys) > MAX_KEYS:
        raise ConfigurationError(
            f"a cosign trust policy has {len(keys)} keys, more than the {MAX_KEYS} allowed", path="keys"
        )
    if not policy.has_trust:
        return TrustedKeys(policy, tuple(keys.values()))
    from pyratify.verifiers.cosign.trusting import load_trusting

    return TrustedKeys(policy, tuple(keys.values()), load_trusting(policy, clock))


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
    from cryptography.x509 import load_der_x509_certificate

    try:
        load_der_x509_certificate(data)
    except ValueError:
        fields.malformed("where a certificate belongs there is none")
