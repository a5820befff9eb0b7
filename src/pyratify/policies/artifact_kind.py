"""The artifact type of a report, as Ratify v1 names it."""

from pyratify.core.report import ArtifactReport
from pyratify.core.store import Discovery

COSIGN_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"


def artifact_type(report: ArtifactReport) -> str:
    """Return the type; artifacts under cosign's tags, whose manifests have none, are of the type that Ratify v1 gives them."""
    if report.discovery is Discovery.COSIGN_TAG:
        return COSIGN_SIGNATURE
    return report.artifact.artifact_type or ""
