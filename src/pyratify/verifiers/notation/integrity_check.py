"""The integrity of one envelope, and what it yields.

Notary Project, trust-store-trust-policy.md, "Signature Verification", step 3.
"""

from collections.abc import Mapping

from pyratify.pki.chain import Chain
from pyratify.verifiers.notation.envelope import Envelope, parse_envelope
from pyratify.verifiers.notation.signed_payload import TargetArtifact, check_metadata
from pyratify.verifiers.notation.validations import check_signature
from pyratify.verifiers.notation.verified_cache import ChainCache


class IntegrityCheck:
    """Checks the integrity of one envelope.

    Args:
        data: The envelope.
        media_type: Its media type.
        target: What it must be a signature of.
        chains: Validates its certificate chain.

    Attributes:
        envelope: The envelope, once `check` returned.
        chain: Its certificate chain, once `check` returned.
    """

    envelope: Envelope
    chain: Chain

    def __init__(self, data: bytes, media_type: str, target: TargetArtifact, chains: ChainCache) -> None:
        self._data = data
        self._media_type = media_type
        self._target = target
        self._chains = chains
        self._metadata: Mapping[str, str] = {}

    def check(self) -> None:
        """Read the envelope, validate its chain, verify the signature and compare the payload with the target.

        Raises:
            VerificationError: A step does not hold.
        """
        self.envelope = parse_envelope(self._data, self._media_type)  # 3.1, 3.2
        self.chain = self._chains.validate(self.envelope.chain)  # 3.3
        check_signature(self.envelope, self.chain)  # 3.4, 3.5
        self._metadata = self._target.check(self.envelope)  # 3.6

    def check_metadata(self, required: Mapping[str, str]) -> None:
        """Compare the signed metadata with what is required.

        Raises:
            VerificationError: `METADATA_MISMATCH`.
        """
        check_metadata(self._metadata, required)
