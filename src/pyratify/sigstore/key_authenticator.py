"""Authentication by configured keys, with proofs under a trusted root where one is required."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.pki.public_keys import PublicKey
from pyratify.sigstore.authenticated_signer import AuthenticatedSigner
from pyratify.sigstore.key_signature import attempts, check_period, is_signed
from pyratify.sigstore.mismatch import unsigned
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.verification_material import VerificationMaterial

if TYPE_CHECKING:
    from pyratify.sigstore.certificate_authenticator import CertificateAuthenticator

MAX_KEYS = 100  # each key is tried with each signature, within one budget


@dataclass(frozen=True, slots=True)
class KeyAuthenticator:
    """An `Authenticator` of signatures made with configured keys.

    Attributes:
        requirements: What must hold for a signature to count.
        keys: The trusted keys, at least one.
        clock: The time that counts where nothing proves when a signature was made.
        proofs: Verifies log entries and timestamps; None where they are not required.
    """

    requirements: SignatureRequirements
    keys: tuple[PublicKey, ...]
    clock: Clock
    proofs: "CertificateAuthenticator | None" = None

    @property
    def signer_kind(self) -> str:
        """`key`, for messages."""
        return "key"

    @property
    def accepts_certificates(self) -> bool:
        """False: a certificate's key is not a configured one."""
        # A certificate could be made for any key; only the configuration says which keys count.
        return False

    @property
    def typical_cost(self) -> int:
        """The cost of one ordinary signature, tried with each key, in units of about 0.1 ms."""
        return 4 * len(self.keys) + (0 if self.proofs is None else self.proofs.typical_cost)

    def cost(self, material: VerificationMaterial) -> int:
        """Return the most that authenticating this signature can cost, in units of about 0.1 ms."""
        # Priced before it is done: the form of the signature decides the attempts, and it is not trusted.
        tried = (attempts(key, material.signed, material.signature) for key in self.keys)
        keys = sum(attempt.cost for each in tried for attempt in each)
        return max(1, keys) + (0 if self.proofs is None else self.proofs.cost(material))

    def authenticate(self, material: VerificationMaterial) -> AuthenticatedSigner:
        """Return the key that made a signature, with the facts of its proofs where these are required.

        Raises:
            VerificationError: `SIG_INVALID`, `TIME_OUTSIDE_VALIDITY`, or why the proofs do not suffice.
        """
        # The bundle's hint is not used to choose: it is not signed, and may name any key (DSSE, "KEYID").
        key = next((each for each in self.keys if is_signed(each, material.signed, material.signature)), None)
        if key is None:
            raise unsigned(material, tuple(each.fingerprint for each in self.keys))
        # The period is checked there, against proved times in place of the present.
        if self.proofs is not None:
            return self.proofs.authenticate_proofs(material, key)
        check_period(key, (), self.clock.now())
        return AuthenticatedSigner(key.fingerprint)

    def valid_until(self, signers: Collection[str]) -> datetime | None:
        """Return when the period of one of these signers' keys ends, if that is yet to come."""
        ends = (key.validity.end for key in self.keys if key.fingerprint in signers)
        # Only ends yet to come: a key whose period ended still counts where a timestamp proves the time.
        return min((end for end in ends if end is not None and end > self.clock.now()), default=None)


def load_key_authenticator(requirements: SignatureRequirements, clock: Clock) -> KeyAuthenticator:
    """Load the trusted keys, and the trusted root where one is required.

    Raises:
        ConfigurationError: `KEY_INVALID`, `TRUST_ROOT`, or too many keys.
    """
    from pyratify.pki.public_keys import load_public_keys

    keys: dict[str, PublicKey] = {}
    for key in (key for material in requirements.keys for key in load_public_keys(material)):
        # By fingerprint: one key in two spellings (PKCS #1 and SPKI) must not count as two signers.
        if keys.setdefault(key.fingerprint, key).validity != key.validity:
            # Otherwise the order of the documents would decide which period counts.
            raise ConfigurationError(
                f"a key is named twice, with different periods: {key.origin}",
                path="keys",
                reason=Reason.KEY_INVALID,
            )
    if len(keys) > MAX_KEYS:
        raise ConfigurationError(
            f"a cosign trust policy has {len(keys)} keys, more than the {MAX_KEYS} allowed", path="keys"
        )
    if not requirements.has_trust:
        return KeyAuthenticator(requirements, tuple(keys.values()), clock)
    from pyratify.sigstore.certificate_authenticator import load_certificate_authenticator

    return KeyAuthenticator(
        requirements, tuple(keys.values()), clock, load_certificate_authenticator(requirements, clock)
    )
