"""Whether an artifact is attached to the subject that it is listed under."""

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.manifest import INDEX_TYPES, Manifest
from pyratify.core.reason import Reason
from pyratify.core.store import Discovery


def check_subject(manifest: Manifest, subject: Descriptor, discovery: Discovery) -> None:
    """Refuse an artifact that is not attached to the subject.

    Found by a cosign tag or in an image index, an image manifest may lack a subject: then the verifier alone can bind it.

    Raises:
        VerificationError: `SUBJECT_MISMATCH`, or `MEDIATYPE_MISMATCH` for an image index that is found so.
    """
    if discovery.may_lack_subject:
        # An index has no layers for a verifier to read, and what it lists would go unchecked.
        if manifest.descriptor.media_type in INDEX_TYPES:
            found = "a cosign tag" if discovery is Discovery.COSIGN_TAG else "an entry for an attestation"
            raise VerificationError(Reason.MEDIATYPE_MISMATCH, f"{found} names an image index")
        # cosign's tags and BuildKit's attestation manifests name none (OCI image manifest, `subject`).
        if manifest.subject is None:
            return
    # A listing is the registry's word: what is attached to another image must not count for this one.
    if manifest.subject is None or not manifest.subject.same_content(subject):
        attached = manifest.subject.digest if manifest.subject else "nothing"
        raise VerificationError(
            Reason.SUBJECT_MISMATCH,
            f"{manifest.descriptor.digest} is attached to {attached}, not to {subject.digest} under which it is listed",
        )
