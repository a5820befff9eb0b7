"""Authentication of signatures, the step before any statement is read.

From the bytes of a bundle to a report: `bundle.py` parses, `signed_content.py` makes `VerificationMaterial` of it, an
`Authenticator` returns the `AuthenticatedSigner`, and only then does `in_toto.py` read the statement, as a `Claim`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from pyratify.core.clock import Clock
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.verification_material import VerificationMaterial


class Authenticator(Protocol):
    """Authenticates signatures against the keys or the identities of one policy.

    Costs are in units of about 0.1 ms; `budget.py` limits them for each artifact.
    """

    @property
    def requirements(self) -> SignatureRequirements:
        """What must hold for a signature to count."""
        ...

    @property
    def signer_kind(self) -> str:
        """`key` or `identity`, for messages."""
        ...

    @property
    def accepts_certificates(self) -> bool:
        """Whether a signature made with a certificate can count."""
        ...

    @property
    def typical_cost(self) -> int:
        """The cost of one ordinary signature."""
        ...

    def cost(self, material: VerificationMaterial) -> int:
        """Return the most that authenticating this signature can cost."""
        ...

    def authenticate(self, material: VerificationMaterial) -> AuthenticatedSigner:
        """Return the trusted signer that made a signature.

        Raises:
            VerificationError: No trusted signer made it, or its proofs do not suffice.
        """
        ...

    def valid_until(self, signers: Collection[str]) -> datetime | None:
        """Return when a signature by one of these signers stops counting; None where time changes nothing."""
        ...


def load_authenticator(requirements: SignatureRequirements, clock: Clock) -> Authenticator:
    """Load keys and trusted roots; for keys alone, nothing that reads certificates is imported.

    Raises:
        ConfigurationError: `KEY_INVALID`, `TRUST_ROOT`, or too many keys.
    """
    # Lazy: a policy with keys alone needs neither trusted roots nor X.509.
    if requirements.identities:
        from pyratify.sigstore.certificate_authenticator import load_certificate_authenticator

        return load_certificate_authenticator(requirements, clock)
    from pyratify.sigstore.key_authenticator import load_key_authenticator

    return load_key_authenticator(requirements, clock)
