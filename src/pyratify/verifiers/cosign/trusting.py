"""A trust policy, loaded: its keys, identities and trusted root, ready to be held against signatures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import Clock
from pyratify.verifiers.cosign.budget import price_of_proofs, usual_price
from pyratify.verifiers.cosign.identity import Matcher, make_matcher
from pyratify.verifiers.cosign.material import Material
from pyratify.verifiers.cosign.mismatch import keyed
from pyratify.verifiers.cosign.policy import CosignTrustPolicy
from pyratify.verifiers.cosign.roots import root_of
from pyratify.verifiers.cosign.steps import verify_keyless, verify_logged
from pyratify.verifiers.cosign.trust import Trust

if TYPE_CHECKING:
    from pyratify.pki.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Trusting:
    """What the proofs of a signature are held against.

    Attributes:
        policy: The policy.
        trust: Its trusted root.
        matchers: Its identities.
        clock: Where the time comes from.
    """

    policy: CosignTrustPolicy
    trust: Trust
    matchers: tuple[Matcher, ...]
    clock: Clock

    @property
    def noun(self) -> str:
        """What it trusts, for messages."""
        return "identity"

    @property
    def usual_price(self) -> int:
        """What a signature usually costs, in units of about 0.1 ms."""
        return usual_price(len(self.trust.timestamp_authorities))

    def price(self, material: Material) -> int:
        """Return what authenticating a signature costs at most, in units of about 0.1 ms."""
        return price_of_proofs(material, len(self.trust.timestamp_authorities))

    def authenticate(self, material: Material) -> tuple[str, Mapping[str, Any]]:
        """Verify a signature made with a certificate; return the signer and what else is known.

        Raises:
            VerificationError: It does not count; `SIGNER_KIND` where there is no certificate.
        """
        if material.certificate is None:
            raise keyed(material)
        done = verify_keyless(material, self.policy, self.trust, self.matchers, self.clock.now())
        return done.identity, done.facts

    def valid_until(self, signers: Collection[str]) -> None:
        """Return None: what was proved stays proved."""
        del signers

    def prove(self, material: Material, key: "PublicKey") -> Mapping[str, Any]:
        """Verify the proofs of a signature that a configured key made; return what is known of them.

        Raises:
            VerificationError: They do not suffice.
        """
        return verify_logged(material, self.policy, self.trust, key, self.clock.now()).facts


def load_trusting(policy: CosignTrustPolicy, clock: Clock) -> Trusting:
    """Load what a policy's identities or proofs need.

    Raises:
        ConfigurationError: `TRUST_ROOT`, or an identity that cannot be used.
    """
    return Trusting(policy, root_of(policy), tuple(map(make_matcher, policy.identities)), clock)
