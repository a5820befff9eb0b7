"""Requirements for a signature to count: keys or identities, and how many logs and timestamps."""

from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial

if TYPE_CHECKING:
    from pyratify.sigstore.identity import CertificateIdentity
    from pyratify.sigstore.trusted_material import TrustedMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequirements:
    """Which signers count, and which proofs must show when they signed; one signature must meet all of it.

    Attributes:
        keys: Documents with the public keys that are trusted; a signature by any of them counts.
        identities: Identities trusted to sign with a certificate (keyless); one suffices. Never beside keys.
        trusted_root: A `trusted_root.json`; for identities, Sigstore's public instance where it is omitted. With keys
            it makes an entry in a transparency log a requirement.
        authorities: In place of a trusted root, its parts one by one.
        logs: How many independent transparency logs must hold the signature; 0 asks for none.
        certificate_logs: How many logs must hold the certificate; 0 asks for none.
        timestamps: How many timestamp authorities must have stamped the signature; 0 still uses those that did.
        use_timestamps: Whether signed timestamps are verified.

    Raises:
        ConfigurationError: Neither key nor identity, no source of time, or timestamps of no authority.
    """

    keys: tuple[KeyMaterial, ...] = ()
    identities: "tuple[CertificateIdentity, ...]" = ()
    trusted_root: KeyMaterial | None = None
    authorities: "TrustedMaterial | None" = None
    # Defaults fit Sigstore's public instance: one log for signatures, one for certificates.
    logs: int = 1
    certificate_logs: int = 1
    timestamps: int = 0
    use_timestamps: bool = True

    def __post_init__(self) -> None:
        # With neither, nothing says which signer is trusted; with both, which of them has to hold.
        if bool(self.keys) == bool(self.identities):
            raise ConfigurationError(
                "a cosign trust policy needs at least one key or one identity, and not both", path="keys"
            )
        if self.trusted_root is not None and self.authorities is not None:
            raise ConfigurationError("a trusted root is given whole and in parts", path="trustedRoot")
        if min(self.logs, self.certificate_logs, self.timestamps) < 0:
            raise ConfigurationError("a number of logs or timestamps is negative", path="logs")
        # Fulcio's certificates live for ten minutes: without a time, none could be judged.
        if self.identities and not self.logs and not self.use_timestamps:
            raise ConfigurationError(
                "neither transparency logs nor timestamps are verified, so a certificate would have no time",
                path="ignoreTLog",
                remedy="Remove ignoreTLog or ignoreObserverTimestamps.",
            )
        # Would refuse every signature; better said when the configuration is read.
        if self.timestamps and not (self.has_trust and self.use_timestamps):
            raise ConfigurationError(
                "timestamps are required, and no timestamp authority is trusted",
                path="timestamps",
                remedy="Name a trusted root, and look at timestamps.",
            )

    @property
    def has_trust(self) -> bool:
        """Whether certificates, log entries or timestamps are verified."""
        return bool(self.identities) or self.trusted_root is not None or self.authorities is not None
