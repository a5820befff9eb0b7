"""The verifier of Notary Project signatures of images and other artifacts.

Notary Project, trust-store-trust-policy.md, "Signature Verification"; the numbers below are the steps of that chapter.
"""

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.verifiers.notation.signature_verifier import SignatureVerifier, skipped
from pyratify.verifiers.notation.trust_policy import SKIP_LEVEL, TrustPolicyDocument

ARTIFACT_TYPE = "application/vnd.cncf.notary.signature"
MAX_ENVELOPE = 4 * 1024 * 1024


class NotationVerifier(SignatureVerifier[TrustPolicyDocument]):
    """Verifies signatures against trust policies and trust stores: arguments and errors as for `SignatureVerifier`."""

    def accepts(self, manifest: Manifest) -> bool:
        """Accept Notary Project signatures: by artifact type, or by the config's media type where there is none."""
        return manifest.artifact_type == ARTIFACT_TYPE

    async def verify(self, evidence: Evidence) -> Details:
        """Verify one signature.

        Raises:
            VerificationError: `POLICY_NOT_FOUND`; `ENVELOPE_MALFORMED` where there is not exactly one envelope; `SIZE_EXCEEDED`;
                `NotationFailure` for a validation that the policy enforces; `PLUGIN_REQUIRED`; `METADATA_MISMATCH`.
            InconclusiveError: `REVOCATION_UNKNOWN`, where the policy enforces revocation.
            StoreError: The envelope could not be read.
        """
        policy = self._policy.select(evidence.reference)  # 1
        if policy is None:
            raise VerificationError(
                Reason.POLICY_NOT_FOUND, f"no trust policy covers {evidence.reference.name}"
            )
        if policy.level == SKIP_LEVEL:  # 2.1: the envelope is not even read
            return skipped(policy)
        from pyratify.verifiers.notation.signed_payload import ImageTarget

        # After level skip, and after the choice of a policy: neither needs a request to the registry.
        layer = _envelope_of(evidence.manifest)
        data = await evidence.blob(layer, most=MAX_ENVELOPE)
        return await self.verify_envelope(data, layer.media_type, ImageTarget(evidence.subject), policy)


def _envelope_of(manifest: Manifest) -> Descriptor:
    # "OCI Signatures": exactly one; of several, the one that counts would depend on the reader.
    if len(manifest.layers) != 1:
        raise VerificationError(
            Reason.ENVELOPE_MALFORMED,
            f"a signature's manifest has exactly one envelope, and this one has {len(manifest.layers)}",
        )
    return manifest.layers[0]
