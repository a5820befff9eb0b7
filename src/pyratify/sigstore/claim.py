"""The claim of a verified signature about its artifact."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verified signature says.

    Attributes:
        annotations: The signed annotations, one mapping for each mention of the subject.
        docker_reference: The repository that the signer names; empty when there is none.
        predicate_type: The in-toto predicate; None for simple signing and message signatures.
    """

    annotations: tuple[Mapping[str, Any], ...] = ()
    docker_reference: str = ""
    predicate_type: str | None = None
