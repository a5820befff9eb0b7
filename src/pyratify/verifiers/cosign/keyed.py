"""Signatures held against configured keys: the steps that classic signatures and bundles share."""

from dataclasses import dataclass, field
from typing import Any

from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.keys import PublicKey
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.policy import CosignTrustPolicy
from pyratify.verifiers.cosign.signature import find_signer


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """A trust policy with its keys loaded.

    Attributes:
        policy: The policy.
        keys: Its keys, at least one.
    """

    policy: CosignTrustPolicy
    keys: tuple[PublicKey, ...]

    def signer(self, message: bytes, signature: bytes, algorithm: str | None = None) -> PublicKey:
        """Return the key that made the signature over exactly these bytes, with that hash if one is named.

        Raises:
            VerificationError: `SIG_INVALID`.
        """
        key = find_signer(self.keys, message, signature, algorithm)
        if key is None:
            count = len(self.keys)
            which = "the configured key" if count == 1 else f"any of the {count} configured keys"
            raise VerificationError(Reason.SIG_INVALID, f"the signature was not made with {which}")
        return key


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
