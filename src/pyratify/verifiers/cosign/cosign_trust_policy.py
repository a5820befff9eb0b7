"""The trust policy of cosign signatures: which signers count for which repositories, and what they must have signed."""

from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.sigstore.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from pyratify.evidence.tag_rule import TagJudge

SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignTrustPolicy(TrustPolicy):
    """Which signers count and what they must have signed; one signature must meet all of it.

    Attributes:
        require_docker_reference: Whether the signed repository name must be that of the verified reference.
        predicate_types: The in-toto predicates that count as a signature of the image.
        tag_rule: Compares the tag that was asked for with the source reference in the signer's certificate; None for no rule.

    Raises:
        ConfigurationError: As in `TrustPolicy`; or no predicate type.
    """

    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)
    tag_rule: "TagJudge | None" = None

    def __post_init__(self) -> None:
        TrustPolicy.__post_init__(self)
        if not self.predicate_types:
            raise ConfigurationError(
                "a cosign trust policy needs at least one predicate type", path="predicateTypes"
            )
