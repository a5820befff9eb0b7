"""Discovery: lists what is attached and verifies nothing."""

from pyratify.core.manifest import Manifest
from pyratify.core.verifier import Details, Evidence


class NoVerifier:
    """A verifier that accepts no artifact, as an executor needs at least one."""

    name = "none"

    def accepts(self, manifest: Manifest) -> bool:
        """Accept nothing."""
        del manifest
        return False

    async def verify(self, evidence: Evidence) -> Details:
        """Raise NotImplementedError: unreachable, as nothing is accepted."""
        raise NotImplementedError(evidence.manifest.descriptor.digest)
