"""Looking at what is attached, without judging it."""

from pyratify.core.manifest import Manifest
from pyratify.core.verifier import Details, Evidence


class NoVerifier:
    """A verifier that accepts no artifact and so is never asked."""

    name = "none"

    def accepts(self, manifest: Manifest) -> bool:
        """Accept nothing."""
        del manifest
        return False

    async def verify(self, evidence: Evidence) -> Details:
        """Refuse, since nothing was accepted."""
        raise NotImplementedError(evidence.manifest.descriptor.digest)
