"""What the tests of cosign share: an image in a memory store and an executor that asks for one cosign signature."""

from dataclasses import dataclass, field
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult, failures
from pyratify.core.verifier import Details
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.cosign import REPOSITORY, CosignKey
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

KEY = CosignKey.generate()
OTHER = CosignKey.generate()
ONE = ThresholdPolicy(Rule(None, (Rule("cosign"),), 1))
TWO = ThresholdPolicy(Rule(None, (Rule("cosign"), Rule("cosign")), 2))


@dataclass
class Setting:
    """An image and what is attached to it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    image: Descriptor = field(init=False)

    def __post_init__(self) -> None:
        """Push the image."""
        self.image = self.store.add_image()

    async def validate(
        self,
        *keys: CosignKey,
        policy: ThresholdPolicy = ONE,
        image: Descriptor | None = None,
        limits: Limits | None = None,
        **terms: Any,
    ) -> ValidationResult:
        """Ask for a signature by one of the keys, under these terms of the trust policy."""
        trusted = CosignTrustPolicy(keys=tuple(key.material for key in keys or (KEY,)), **terms)
        executor = Executor(
            store=self.store,
            verifiers=(CosignVerifier("cosign", [trusted]),),
            policy=policy,
            limits=limits or Limits(),
        )
        digest = (image or self.image).digest
        return await executor.validate(Reference.parse(f"{REPOSITORY}@{digest}"))


def reasons(result: ValidationResult) -> set[Reason]:
    """Every reason in a report."""
    return {failure.reason for _, failure in failures(result.artifacts)}


def passed(result: ValidationResult) -> Details:
    """The evidence of an allowed image with one artifact that passed."""
    assert result.decision is Decision.ALLOW, result
    (found,) = [r.details for report in result.artifacts for r in report.results if r.details is not None]
    return found


def is_denied(result: ValidationResult, reason: Reason) -> bool:
    """Whether the image is denied and the reason stands in the report."""
    return result.decision is Decision.DENY and result.error is None and reason in reasons(result)
