"""What must hold for a cosign signature to count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.scope import EVERYTHING

if TYPE_CHECKING:
    from pyratify.verifiers.cosign.expression import Pattern
    from pyratify.verifiers.cosign.trust import Trust

SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentity:
    """Who may have signed with a certificate; everything that is set must hold.

    Attributes:
        subject: The certificate's subject alternative name, exactly.
        subject_regex: An expression that matches the whole of it.
        issuer: Who vouched for the signer (OpenID Connect issuer), exactly.
        issuer_regex: An expression that matches the whole of it.
        extensions: Further facts that the certificate authority states, by name or object identifier.
        allow_any: Whether expressions that match everything are meant.
        expressions: The expressions for subject and issuer, compiled; None where the text is given exactly.

    Raises:
        ConfigurationError: Subject or issuer is missing, given twice, or matches everything; an expression is malformed
            or too large, or RE2 is not installed.
    """

    subject: str = ""
    subject_regex: str = ""
    issuer: str = ""
    issuer_regex: str = ""
    extensions: Mapping[str, str] = field(default_factory=lambda: _NO_ANNOTATIONS, hash=False)
    allow_any: bool = False
    expressions: "tuple[Pattern | None, Pattern | None]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from pyratify.verifiers.cosign.identity import check_identity

        object.__setattr__(self, "expressions", check_identity(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignTrustPolicy:
    """Whose signatures count, and what they must say; all of it of one and the same signature.

    Attributes:
        keys: Documents with the public keys that are trusted; a signature by any of them counts.
        identities: Who is trusted to sign with a certificate (keyless); one suffices. Never beside keys.
        trusted_root: A `trusted_root.json`; for identities, Sigstore's public instance where it is omitted. With keys
            it makes an entry in a transparency log a requirement.
        authorities: In place of a trusted root, its parts one by one.
        logs: How many independent transparency logs must hold the signature; 0 asks for none.
        certificate_logs: How many logs must hold the certificate; 0 asks for none.
        timestamps: How many timestamp authorities must have stamped the signature; 0 still uses those that did.
        use_timestamps: Whether signed timestamps are looked at.
        scopes: The repositories that the policy is for, as in `pyratify.core.scope`.
        annotations: What the signer must have signed besides the digest.
        require_docker_reference: Whether the signed repository name must be the one that was asked for.
        predicate_types: The in-toto predicates that count as a signature of the image.
        ignored: The checks that the configuration turns off (`tlog`, `ctlog`, `observerTimestamps`), for the report.

    Raises:
        ConfigurationError: Neither key nor identity, no scope, no predicate type, no source of time, or timestamps of no authority.
    """

    keys: tuple[KeyMaterial, ...] = ()
    identities: tuple[CertificateIdentity, ...] = ()
    trusted_root: KeyMaterial | None = None
    authorities: "Trust | None" = None
    logs: int = 1
    certificate_logs: int = 1
    timestamps: int = 0
    use_timestamps: bool = True
    scopes: tuple[str, ...] = (EVERYTHING,)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NO_ANNOTATIONS, hash=False)
    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.keys) == bool(self.identities):
            raise ConfigurationError(
                "a cosign trust policy needs at least one key or one identity, and not both", path="keys"
            )
        if self.trusted_root is not None and self.authorities is not None:
            raise ConfigurationError("a trusted root is given whole and in parts", path="trustedRoot")
        if min(self.logs, self.certificate_logs, self.timestamps) < 0:
            raise ConfigurationError("a number of logs or timestamps is negative", path="logs")
        if self.identities and not self.logs and not self.use_timestamps:
            raise ConfigurationError(
                "neither transparency logs nor timestamps are looked at, so a certificate would have no time",
                path="ignoreTLog",
                remedy="Remove ignoreTLog or ignoreObserverTimestamps.",
            )
        if self.timestamps and not (self.has_trust and self.use_timestamps):
            raise ConfigurationError(
                "timestamps are asked for, and nothing says whose",
                path="timestamps",
                remedy="Name a trusted root, and look at timestamps.",
            )
        if not self.scopes:
            raise ConfigurationError("a cosign trust policy needs at least one scope", path="scopes")
        if not self.predicate_types:
            raise ConfigurationError(
                "a cosign trust policy needs at least one predicate type", path="predicateTypes"
            )

    @property
    def has_trust(self) -> bool:
        """Whether certificates, logs or timestamps are looked at."""
        return bool(self.identities) or self.trusted_root is not None or self.authorities is not None
