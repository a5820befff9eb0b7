"""The executor, through its one verb."""

import pytest

from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore

ONE = ThresholdPolicy(Rule(None, (Rule("fake"),), 1))


@pytest.mark.parametrize("by_digest", [True, False])
async def test_a_subject_with_good_evidence_is_allowed(by_digest: bool) -> None:
    """One passed artifact satisfies a policy that asks for one."""
    store = MemoryStore()
    image = store.add_image()
    store.attach(image, "application/test")
    reference = Reference.parse("example.com/app:v1")
    if by_digest:
        reference = reference.at(image.digest)
    result = await Executor(store=store, verifiers=(FakeVerifier(),), policy=ONE).validate(reference)
    assert result.decision is Decision.ALLOW
    assert result.subject is not None
    assert result.subject.digest == image.digest
