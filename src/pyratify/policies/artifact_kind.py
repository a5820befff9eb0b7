"""The artifact type of a report, as policies name it."""

from pyratify.core.report import ArtifactReport
from pyratify.core.store import Discovery

COSIGN_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
COSIGN_ATTESTATION = "application/vnd.dev.cosign.artifact.att.v1+json"
_TYPES = {
    "application/vnd.dev.cosign.simplesigning.v1+json": COSIGN_SIGNATURE,
    "application/vnd.dsse.envelope.v1+json": COSIGN_ATTESTATION,
}


def artifact_type(report: ArtifactReport) -> str:
    """Return the type.

    Artifacts under cosign's tags, whose manifests have none, are of the type that cosign gives them as referrers, by what is in
    them and not by their tag: an SBOM or an attestation must not stand for a signature. Any other content is of its own type.
    """
    own = report.artifact.artifact_type or ""
    if report.discovery is not Discovery.COSIGN_TAG or own in _TYPES.values():
        return own
    # Nothing is known of what is in it: judged as what Ratify v1 takes everything under these tags for.
    if not report.layer_types:
        return COSIGN_SIGNATURE
    kinds = {_TYPES.get(kind, kind) for kind in report.layer_types}
    return kinds.pop() if len(kinds) == 1 else ""
