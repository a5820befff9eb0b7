"""Verification summaries, version 1, read strictly (slsa.dev, "Verification Summary Attestation")."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.evidence.members import Members

VSA_TYPE = "https://slsa.dev/verification_summary/v1"
_WHAT = "verification summary"


@dataclass(frozen=True, slots=True)
class VerificationSummary:
    """What a verifier says that it verified.

    Attributes:
        verifier: The identifier of the verifier.
        resource: What the artifact was verified as.
        policy: The policy that it was verified against; empty where it has no address.
        policy_digests: The digests of that policy by algorithm.
        result: `PASSED` or `FAILED`; any other text is neither.
        levels: The levels that were verified.
        dependency_levels: How many dependencies were verified at each level; None where nothing is said of them.
        verified: When; None where it is not said.
    """

    verifier: str
    resource: str
    policy: str
    policy_digests: Mapping[str, Any] = field(hash=False)
    result: str
    levels: tuple[str, ...]
    dependency_levels: Mapping[str, int] | None = field(hash=False)
    verified: datetime | None


def read_summary(predicate: object) -> VerificationSummary:
    """Read a verification summary.

    Raises:
        VerificationError: `PREDICATE_TYPE`: it does not follow its format.
    """
    document = Members(predicate, _WHAT)
    # The specification requires it; its `uri` matters only to a rule that names policies.
    policy = document.object("policy", required=True)
    return VerificationSummary(
        verifier=document.object("verifier", required=True).text("id", required=True),
        resource=document.text("resourceUri", required=True),
        policy=policy.text("uri"),
        policy_digests=policy.object("digest").value,
        result=document.text("verificationResult", required=True),
        levels=document.texts("verifiedLevels"),
        dependency_levels=_dependencies(document),
        verified=document.time("timeVerified"),
    )


def _dependencies(document: Members) -> Mapping[str, int] | None:
    # Unset and empty differ: no claim, and no dependencies.
    if document.value.get("dependencyLevels") is None:
        return None
    found = document.object("dependencyLevels")
    for level, number in found.value.items():
        # Not isinstance: `true` is an int in Python.
        if type(number) is not int or number < 0:
            found.malformed(f"dependencyLevels.{level[:80]} is no number of dependencies")
    return found.value
