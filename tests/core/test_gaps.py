"""Gaps in the evidence: with one that no publisher can have caused, a denial is not the last word."""

import pytest

from pyratify.core.errors import InconclusiveError, StoreError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.fakes import FakeVerifier
from support.scenes import KIND, image, raising, validate

# What a registry, the network or a defect causes. Each may be gone at the next question.
GAPS = (
    "REGISTRY_ERROR",
    "REGISTRY_UNREACHABLE",
    "REGISTRY_AUTH",
    "REGISTRY_BUSY",
    "TIMEOUT",
    "DIGEST_MISMATCH",
    "SIZE_MISMATCH",
    "TLS_VERIFY",
    "TLS_REQUIRED",
    "CONTENT_ENCODING",
    "REDIRECT_BLOCKED",
    "SSRF_BLOCKED",
    "AUTH_REALM_BLOCKED",
    "AUTH_SCOPE",
    "CREDENTIAL_SCOPE",
    "INTERNAL",
)
# What a publisher can cause at will: an attacker could keep every denial open with it.
OWN = ("BLOB_NOT_FOUND", "NOT_FOUND", "SIZE_EXCEEDED", "JSON_INVALID", "MEDIATYPE_MISMATCH", "VERIFIER_ERROR")


def test_these_reasons_and_no_others_are_gaps() -> None:
    """A code that is added is a gap only where it is added here too."""
    assert {reason.value for reason in Reason if reason.is_gap} == set(GAPS)


@pytest.mark.parametrize("name", GAPS)
async def test_each_gap_leaves_a_denial_undecided(name: str) -> None:
    """The evidence that could not be read may be what the policy asks for: the error says why, and there is no other reason."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=raising(StoreError(Reason(name), "gone"))))
    assert (result.decision, result.failure) == (Decision.DENY, None)
    assert result.error is not None
    assert result.error.reason is Reason(name)


@pytest.mark.parametrize("name", GAPS)
async def test_a_manifest_that_could_not_be_read_is_such_a_gap(name: str) -> None:
    """Not only what verifiers raise."""
    store, _ = image(KIND)
    store.faults["fetch_manifest"] = StoreError(Reason(name), "gone")
    result = await validate(store)
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason(name)


@pytest.mark.parametrize("name", OWN)
async def test_what_a_publisher_can_cause_is_no_gap(name: str) -> None:
    """The image is denied, and that is the answer."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=raising(StoreError(Reason(name), "gone"))))
    assert (result.decision, result.error) == (Decision.DENY, None)
    assert result.failure is not None
    assert result.failure.reason is Reason.POLICY_UNSATISFIED


@pytest.mark.parametrize("name", GAPS)
async def test_an_artifact_that_was_judged_leaves_no_gap(name: str) -> None:
    """A verifier that refuses an artifact has read it, whatever code it refuses it with."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=raising(VerificationError(Reason(name), "bad"))))
    assert (result.decision, result.error) == (Decision.DENY, None)


async def test_a_gap_beside_sufficient_evidence_changes_nothing() -> None:
    """What was found suffices."""
    store, _ = image(KIND, "application/other")
    gap = FakeVerifier("other", "application/other", raising(InconclusiveError(Reason.TIMEOUT, "late")))
    result = await validate(store, FakeVerifier(artifact_type=KIND), gap)
    assert (result.decision, result.error) == (Decision.ALLOW, None)
