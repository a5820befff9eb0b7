"""The trust policy of cosign signatures: which signers count for which repositories, and what they must have signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pyratify.core.errors import ConfigurationError
from pyratify.core.scope import EVERYTHING
from pyratify.sigstore.requirements import SignatureRequirements

SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignTrustPolicy(SignatureRequirements):
    """Which signers count and what they must have signed; one signature must meet all of it.

    Attributes:
        scopes: The repositories that the policy is for, as in `pyratify.core.scope`.
        annotations: What the signer must have signed besides the digest.
        require_docker_reference: Whether the signed repository name must be that of the verified reference.
        predicate_types: The in-toto predicates that count as a signature of the image.
        ignored: The checks that the configuration turns off (`tlog`, `ctlog`, `observerTimestamps`), for the report.

    Raises:
        ConfigurationError: As in `SignatureRequirements`; or no scope, or no predicate type.
    """

    scopes: tuple[str, ...] = (EVERYTHING,)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NO_ANNOTATIONS, hash=False)
    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # `super()` without arguments fails in a dataclass with slots: the class is made anew.
        SignatureRequirements.__post_init__(self)
        # Empty matches nothing, so the policy would silently never apply.
        if not self.scopes:
            raise ConfigurationError("a cosign trust policy needs at least one scope", path="scopes")
        if not self.predicate_types:
            raise ConfigurationError(
                "a cosign trust policy needs at least one predicate type", path="predicateTypes"
            )
