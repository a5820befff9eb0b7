"""Authentication by identities in certificates, and the proofs of any signature under the trusted roots."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.budget import cost_of_proofs, typical_cost
from pyratify.sigstore.mismatch import keyed
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.roots import roots_of
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.verification_material import VerificationMaterial
from pyratify.sigstore.verification_steps import verify_certificate_signature, verify_key_proofs

if TYPE_CHECKING:
    from pyratify.pki.public_keys import PublicKey


@dataclass(frozen=True, slots=True)
class CertificateAuthenticator:
    """An `Authenticator` of signatures made with certificates (keyless).

    Attributes:
        requirements: What must hold for a signature to count.
        trusted_roots: At least one; a signature must hold under one of them in every respect.
        clock: Refuses timestamps of the future.
    """

    requirements: SignatureRequirements
    trusted_roots: tuple[TrustedMaterial, ...]
    clock: Clock

    @property
    def signer_kind(self) -> str:
        """`identity`, for messages."""
        return "identity"

    @property
    def accepts_certificates(self) -> bool:
        """True: nothing else is accepted."""
        return True

    @property
    def typical_cost(self) -> int:
        """The cost of one ordinary signature, in units of about 0.1 ms."""
        size = sum(identity.size for identity in self.requirements.identities)
        return sum(typical_cost(len(root.timestamp_authorities), size) for root in self.trusted_roots)

    def cost(self, material: VerificationMaterial) -> int:
        """Return the most that authenticating this signature can cost, in units of about 0.1 ms."""
        return sum(cost_of_proofs(material, len(root.timestamp_authorities)) for root in self.trusted_roots)

    def authenticate(self, material: VerificationMaterial) -> AuthenticatedSigner:
        """Verify a signature made with a certificate.

        Raises:
            VerificationError: It does not count; `SIGNER_KIND` where there is no certificate.
        """
        if material.certificate is None:
            raise keyed(material)
        # One present for all roots: the same evidence must not be judged at different times.
        now = self.clock.now()
        # Never parts of two roots: a log of one instance says nothing about certificates of another.
        return self._first(lambda root: verify_certificate_signature(material, self.requirements, root, now))

    def valid_until(self, signers: Collection[str]) -> None:
        """Return None: what was proved stays proved."""
        del signers

    def authenticate_proofs(self, material: VerificationMaterial, key: "PublicKey") -> AuthenticatedSigner:
        """Verify log entries and timestamps of a signature that a configured key made.

        Raises:
            VerificationError: They do not suffice.
        """
        now = self.clock.now()
        return self._first(lambda root: verify_key_proofs(material, self.requirements, root, key, now))

    def _first(self, verify: Callable[[TrustedMaterial], AuthenticatedSigner]) -> AuthenticatedSigner:
        """Return the result under the first trusted root that verifies, else raise the error that says most."""
        problems: list[VerificationError] = []
        for root in self.trusted_roots:
            try:
                return verify(root)
            except VerificationError as error:
                problems.append(error)
        # A root that knows the signer's issuer says more than one that does not.
        raise min(problems, key=lambda error: error.reason is Reason.CHAIN_UNTRUSTED)


def load_certificate_authenticator(
    requirements: SignatureRequirements, clock: Clock
) -> CertificateAuthenticator:
    """Load the trusted roots.

    Raises:
        ConfigurationError: `TRUST_ROOT`.
    """
    return CertificateAuthenticator(requirements, roots_of(requirements), clock)
