"""Signatures held against identities in certificates, and the proofs of every signature against trusted roots."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import Clock
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.budget import price_of_proofs, usual_price
from pyratify.sigstore.identity import IdentityMatcher, make_matcher
from pyratify.sigstore.mismatch import keyed
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.roots import roots_of
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.verification_material import VerificationMaterial
from pyratify.sigstore.verification_steps import Authenticated, verify_keyless, verify_logged

if TYPE_CHECKING:
    from pyratify.pki.public_keys import PublicKey


@dataclass(frozen=True, slots=True)
class CertificateAuthenticator:
    """Authenticates signatures made with certificates (keyless); an `Authenticator`. Verifies proofs of keys' signatures too.

    Attributes:
        requirements: What must hold for a signature to count.
        trusts: Its trusted roots, at least one; a signature must hold under one of them in every respect.
        matchers: Its identities.
        clock: Where the time comes from.
    """

    requirements: SignatureRequirements
    trusts: tuple[TrustedMaterial, ...]
    matchers: tuple[IdentityMatcher, ...]
    clock: Clock

    @property
    def noun(self) -> str:
        """What is trusted, for messages."""
        return "identity"

    @property
    def takes_certificates(self) -> bool:
        """Yes: nothing else is taken."""
        return True

    @property
    def usual_price(self) -> int:
        """What a signature usually costs, in units of about 0.1 ms."""
        return sum(usual_price(len(trust.timestamp_authorities)) for trust in self.trusts)

    def price(self, material: VerificationMaterial) -> int:
        """Return what authenticating a signature costs at most, in units of about 0.1 ms."""
        return sum(price_of_proofs(material, len(trust.timestamp_authorities)) for trust in self.trusts)

    def authenticate(self, material: VerificationMaterial) -> tuple[str, Mapping[str, Any]]:
        """Verify a signature made with a certificate; return the signer and what else is known.

        Raises:
            VerificationError: It does not count; `SIGNER_KIND` where there is no certificate.
        """
        if material.certificate is None:
            raise keyed(material)
        now = self.clock.now()
        done = self._under_one(
            lambda trust: verify_keyless(material, self.requirements, trust, self.matchers, now)
        )
        return done.identity, done.facts

    def valid_until(self, signers: Collection[str]) -> None:
        """Return None: what was proved stays proved."""
        del signers

    def prove(self, material: VerificationMaterial, key: "PublicKey") -> Mapping[str, Any]:
        """Verify the proofs of a signature that a configured key made; return what is known of them.

        Raises:
            VerificationError: They do not suffice.
        """
        now = self.clock.now()
        return self._under_one(
            lambda trust: verify_logged(material, self.requirements, trust, key, now)
        ).facts

    def _under_one(self, verify: Callable[[TrustedMaterial], Authenticated]) -> Authenticated:
        """Return what verifies under the first trusted root that it does, or raise the error that says most.

        That is the error of a root that knows the signer's issuer, where there is one.
        """
        problems: list[VerificationError] = []
        for trust in self.trusts:
            try:
                return verify(trust)
            except VerificationError as error:
                problems.append(error)
        raise min(problems, key=lambda error: error.reason is Reason.CHAIN_UNTRUSTED)


def load_certificate_authenticator(
    requirements: SignatureRequirements, clock: Clock
) -> CertificateAuthenticator:
    """Load identities and trusted roots.

    Raises:
        ConfigurationError: `TRUST_ROOT`, or an identity that cannot be used.
    """
    return CertificateAuthenticator(
        requirements, roots_of(requirements), tuple(map(make_matcher, requirements.identities)), clock
    )
