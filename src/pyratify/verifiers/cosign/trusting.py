"""A trust policy, loaded: its keys, identities and trusted root, ready to be held against signatures."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import Clock
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.verifiers.cosign.budget import price_of_proofs, usual_price
from pyratify.verifiers.cosign.identity import Matcher, make_matcher
from pyratify.verifiers.cosign.material import Material
from pyratify.verifiers.cosign.mismatch import keyed
from pyratify.verifiers.cosign.policy import CosignTrustPolicy
from pyratify.verifiers.cosign.roots import roots_of
from pyratify.verifiers.cosign.steps import Authenticated, verify_keyless, verify_logged
from pyratify.verifiers.cosign.trust import Trust

if TYPE_CHECKING:
    from pyratify.pki.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Trusting:
    """What the proofs of a signature are held against.

    Attributes:
        policy: The policy.
        trusts: Its trusted roots, at least one; a signature must hold under one of them in every respect.
        matchers: Its identities.
        clock: Where the time comes from.
    """

    policy: CosignTrustPolicy
    trusts: tuple[Trust, ...]
    matchers: tuple[Matcher, ...]
    clock: Clock

    @property
    def noun(self) -> str:
        """What it trusts, for messages."""
        return "identity"

    @property
    def usual_price(self) -> int:
        """What a signature usually costs, in units of about 0.1 ms."""
        return sum(usual_price(len(trust.timestamp_authorities)) for trust in self.trusts)

    def price(self, material: Material) -> int:
        """Return what authenticating a signature costs at most, in units of about 0.1 ms."""
        return sum(price_of_proofs(material, len(trust.timestamp_authorities)) for trust in self.trusts)

    def authenticate(self, material: Material) -> tuple[str, Mapping[str, Any]]:
        """Verify a signature made with a certificate; return the signer and what else is known.

        Raises:
            VerificationError: It does not count; `SIGNER_KIND` where there is no certificate.
        """
        if material.certificate is None:
            raise keyed(material)
        now = self.clock.now()
        done = self._under_one(lambda trust: verify_keyless(material, self.policy, trust, self.matchers, now))
        return done.identity, done.facts

    def valid_until(self, signers: Collection[str]) -> None:
        """Return None: what was proved stays proved."""
        del signers

    def prove(self, material: Material, key: "PublicKey") -> Mapping[str, Any]:
        """Verify the proofs of a signature that a configured key made; return what is known of them.

        Raises:
            VerificationError: They do not suffice.
        """
        now = self.clock.now()
        return self._under_one(lambda trust: verify_logged(material, self.policy, trust, key, now)).facts

    def _under_one(self, verify: Callable[[Trust], Authenticated]) -> Authenticated:
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


def load_trusting(policy: CosignTrustPolicy, clock: Clock) -> Trusting:
    """Load what a policy's identities or proofs need.

    Raises:
        ConfigurationError: `TRUST_ROOT`, or an identity that cannot be used.
    """
    return Trusting(policy, roots_of(policy), tuple(map(make_matcher, policy.identities)), clock)
