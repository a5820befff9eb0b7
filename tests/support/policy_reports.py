"""Reports of artifacts, for tests of policies."""

from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from support.scenes import REFERENCE


def passed(verifier: str, *signers: str, **data: Any) -> VerifierResult:
    """Return a result that passed, with these signers and facts."""
    return VerifierResult(verifier, Outcome.PASSED, Details("good", signers, data))


def failed(verifier: str, reason: Reason = Reason.SIG_INVALID, **facts: Any) -> VerifierResult:
    """Return a result that failed, of which these facts are known."""
    return VerifierResult(verifier, Outcome.FAILED, failure=Failure(reason, "bad", "none"), facts=facts)


def inconclusive(verifier: str) -> VerifierResult:
    """Return a result that could not be decided."""
    failure = Failure(Reason.KEY_UNAVAILABLE, "no key", "none")
    return VerifierResult(verifier, Outcome.INCONCLUSIVE, failure=failure)


def report(
    number: int,
    *results: VerifierResult,
    nested: tuple[ArtifactReport, ...] = (),
    artifact_type: str | None = None,
) -> ArtifactReport:
    """Return the report of one artifact."""
    data = str(number).encode()
    artifact = Descriptor(OCI_MANIFEST, Digest.of(data), len(data), artifact_type=artifact_type)
    return ArtifactReport(REFERENCE, artifact, Discovery.REFERRERS_API, results, nested)


def unread(number: int) -> ArtifactReport:
    """Return the report of an artifact that could not be read, of whatever kind it is."""
    bare = report(number)
    failure = Failure(Reason.BLOB_NOT_FOUND, "gone", "none")
    return ArtifactReport(
        bare.subject, bare.artifact, bare.discovery, outcome=Outcome.INCONCLUSIVE, failure=failure
    )
