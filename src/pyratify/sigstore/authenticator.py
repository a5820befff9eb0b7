"""What every check of a signature comes to: which trusted signer made it, and what else is proved.

From the bytes of a bundle to a report: `bundle.py` parses, `signed_content.py` makes `VerificationMaterial` of it, an
`Authenticator` says who signed, and only then is the statement read (`in_toto.py`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from pyratify.core.clock import Clock
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.verification_material import VerificationMaterial


class Authenticator(Protocol):
    """Holds signatures against the keys or identities of one policy."""

    @property
    def requirements(self) -> SignatureRequirements:
        """What must hold for a signature to count."""
        ...

    @property
    def noun(self) -> str:
        """What is trusted, `key` or `identity`, for messages."""
        ...

    @property
    def takes_certificates(self) -> bool:
        """Whether a signature made with a certificate can count."""
        ...

    @property
    def usual_price(self) -> int:
        """What a signature usually costs, in units of about 0.1 ms."""
        ...

    def price(self, material: VerificationMaterial) -> int:
        """Return what authenticating a signature costs at most, in units of about 0.1 ms."""
        ...

    def authenticate(self, material: VerificationMaterial) -> tuple[str, Mapping[str, Any]]:
        """Return the trusted signer that made a signature, and facts about its proofs for the report.

        Raises:
            VerificationError: No trusted signer made it, or its proofs do not suffice.
        """
        ...

    def valid_until(self, signers: Collection[str]) -> datetime | None:
        """Return when a signature by one of these signers stops counting; None where time changes nothing."""
        ...


def load_authenticator(requirements: SignatureRequirements, clock: Clock) -> Authenticator:
    """Load keys, identities and trusted root; for keys alone nothing that reads certificates is imported.

    Raises:
        ConfigurationError: `KEY_INVALID`, `TRUST_ROOT`, too many keys, or an identity that cannot be used.
    """
    if requirements.identities:
        from pyratify.sigstore.certificate_authenticator import load_certificate_authenticator

        return load_certificate_authenticator(requirements, clock)
    from pyratify.sigstore.key_authenticator import load_key_authenticator

    return load_key_authenticator(requirements, clock)
