"""Signatures of files, kept beside them.

Notary Project, trust-store-trust-policy.md, "Signature Verification", for blob artifacts; signature-specification.md,
"Payload".
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE, Envelope
from pyratify.verifiers.notation.signature_verifier import SignatureVerifier
from pyratify.verifiers.notation.signed_payload import check_payload
from pyratify.verifiers.notation.trust_policy import BlobPolicyDocument

_TYPES = {".jws": JWS_TYPE, ".cose": COSE_TYPE}


@dataclass(frozen=True, slots=True)
class Blob:
    """A file.

    Attributes:
        path: Where it is.
        media_type: The media type that the signature must name; None for any.
    """

    path: Path
    media_type: str | None = None

    def describe(self, algorithm: str = "sha256") -> Descriptor:
        """Return what the file is, read once from its beginning to its end.

        Raises:
            InconclusiveError: `NOT_FOUND`: it cannot be read.
        """
        try:
            # One pass for both, so that digest and size are of the same bytes.
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, algorithm).hexdigest()
                size = file.tell()
        except OSError as error:
            raise InconclusiveError(
                Reason.NOT_FOUND, f"{self.path} cannot be read: {error.strerror}", remedy="Check the path."
            ) from None
        return Descriptor(self.media_type or "", Digest(f"{algorithm}:{digest}"), size)

    def check(self, envelope: Envelope) -> Mapping[str, str]:
        """Check that the payload names this file, by the hash that the signature uses, and return the signed metadata.

        Raises:
            VerificationError: As `check_payload`.
            InconclusiveError: The file cannot be read.
        """
        # Hashed for each signature: its key determines the algorithm of the digest ("Payload").
        found = self.describe(envelope.algorithm.hash)
        return check_payload(envelope.payload, found, any_type=self.media_type is None)


class BlobVerifier(SignatureVerifier[BlobPolicyDocument]):
    """Verifies signatures of files against trust policies for blobs and trust stores: arguments and errors as for `SignatureVerifier`."""

    async def verify_blob(
        self, blob: Blob, data: bytes, media_type: str, policy_name: str | None = None
    ) -> Details:
        """Verify one signature of a file.

        Args:
            blob: The file.
            data: The envelope.
            media_type: Its media type.
            policy_name: Which statement of the trust policy applies; the global one when omitted.

        Raises:
            VerificationError: `POLICY_NOT_FOUND`, or as `verify_envelope`.
            InconclusiveError: As `verify_envelope`, or the file cannot be read.
        """
        policy = self._policy.select(policy_name)
        if policy is None:
            wanted = "is global" if policy_name is None else f"has the name {policy_name[:120]!r}"
            raise VerificationError(
                Reason.POLICY_NOT_FOUND,
                f"no statement of the trust policy {wanted}",
                remedy="Name a statement of the trust policy with --policy-name, or make one global.",
            )
        return await self.verify_envelope(data, media_type, blob, policy)


def envelope_type(name: str, data: bytes) -> str:
    """Return the media type of a signature file: by its name (`FILE.jws.sig`, `FILE.cose.sig`), else by its beginning.

    Args:
        name: The file's name.
        data: What is in it.
    """
    suffix = Path(name.removesuffix(".sig")).suffix
    # Step 3.1: without an extension, try each format; COSE_Sign1 begins with a CBOR tag, never with a brace.
    looks = JWS_TYPE if data.lstrip()[:1] == b"{" else COSE_TYPE
    return _TYPES.get(suffix, looks)
