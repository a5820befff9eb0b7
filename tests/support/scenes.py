"""Small scenes that the tests of the core, the policies and the attacks have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

from pyratify.core.errors import VerificationError
from pyratify.core.executor import Executor
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult, failures
from pyratify.core.store import Store
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore

KIND = "application/test"
REFERENCE = Reference.parse("example.com/app:v1")


def threshold(*rules: str | Rule, needed: int = 0, across: bool = False) -> ThresholdPolicy:
    """Return a policy of these rules; a name stands for a rule without rules of its own."""
    members = tuple(rule if isinstance(rule, Rule) else Rule(rule) for rule in rules)
    return ThresholdPolicy(Rule(None, members, needed), across)


ONE = threshold("fake")


def raising(error: BaseException) -> Callable[[Evidence], Awaitable[Details]]:
    """Return what a verifier does that raises."""

    async def does(evidence: Evidence) -> Details:
        raise error

    return does


def returning(value: Any) -> Callable[[Evidence], Awaitable[Details]]:
    """Return what a verifier does that returns this, whatever it is."""

    async def does(evidence: Evidence) -> Details:
        return value

    return does


def signed_by_annotation(name: str = "fake", artifact_type: str | None = None) -> FakeVerifier:
    """Return a verifier that believes the annotation `signers`, a list of words; without it nothing is signed."""

    async def does(evidence: Evidence) -> Details:
        signers = tuple(evidence.manifest.annotations.get("signers", "").split())
        if not signers:
            raise VerificationError(Reason.SIG_INVALID, "there is no signature")
        return Details("signed", signers=signers)

    return FakeVerifier(name, artifact_type, does)


async def validate(
    store: Store,
    *verifiers: FakeVerifier,
    policy: PolicyEnforcer = ONE,
    reference: Reference = REFERENCE,
    **settings: Any,
) -> ValidationResult:
    """Validate a reference with these verifiers; one that passes everything where none are given."""
    executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=policy, **settings)
    return await executor.validate(reference)


def image(*kinds: str) -> tuple[MemoryStore, Any]:
    """Return a store with an image to which an artifact of each kind is attached, and the image."""
    store = MemoryStore()
    subject = store.add_image()
    for kind in kinds:
        store.attach(subject, kind)
    return store, subject


def codes(result: ValidationResult) -> set[Reason]:
    """Return every reason code that stands anywhere in a result."""
    own = {failure.reason for failure in (result.failure, result.error, *result.limits) if failure}
    return own | {failure.reason for _, failure in failures(result.artifacts)}
