"""The verifier of cosign signatures, made with keys or with certificates."""

from collections.abc import Iterable
from dataclasses import replace

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.manifest import Manifest
from pyratify.core.verifier import Details, Evidence
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.trust_policy import TrustPolicies
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.formats import is_bundle, is_classic


class CosignVerifier:
    """Verifies classic cosign signatures and sigstore bundles against configured keys, or against identities.

    Making one is cheap: keys and trusted roots are parsed, and what parses them imported, by `prepare` or at the first
    signature.

    Args:
        name: The name by which policies refer to it.
        policies: The trust policies; the one with the most specific scope decides.
        clock: Refuses timestamps of the future; the system clock when omitted.

    Raises:
        ConfigurationError: No policy, or a scope that is malformed or given twice.
    """

    def __init__(self, name: str, policies: Iterable[CosignTrustPolicy], clock: Clock | None = None) -> None:
        self.name = name
        trusted = tuple(policies)
        self._trust = TrustPolicies("cosign", trusted, clock or SystemClock(), _preload)
        self.reads_tag = any(each.tag_rule is not None for each in trusted)

    def accepts(self, manifest: Manifest) -> bool:
        """Accept classic signatures and bundles, by the types in the manifest."""
        return not manifest.is_index and (is_bundle(manifest) or is_classic(manifest))

    async def prepare(self) -> None:
        """Parse keys and trusted roots in a thread; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID` or `TRUST_ROOT` with the origin of what cannot be used, or too many keys.
        """
        await self._trust.prepare()

    async def verify(self, evidence: Evidence) -> Details:
        """Verify an artifact by the trust policy for the subject's repository.

        Raises:
            VerificationError: It is not acceptable evidence, or no trust policy covers the repository.
            InconclusiveError: A configured key or trusted root cannot be used.
            StoreError: The artifact's content could not be read.
        """
        policy, authenticator = await self._trust.covering(evidence.reference)
        details = await _verify(evidence, policy, authenticator)
        details = replace(details, valid_until=authenticator.valid_until(details.signers))
        ignored = policy.ignored
        # In every result: a verdict under reduced checks must be recognisable as one.
        return replace(details, data={**details.data, "ignored": list(ignored)}) if ignored else details


async def _verify(evidence: Evidence, policy: CosignTrustPolicy, authenticator: Authenticator) -> Details:
    if is_bundle(evidence.manifest):
        from pyratify.verifiers.cosign.attached_bundle import verify_bundle

        return await verify_bundle(evidence, policy, authenticator)
    from pyratify.verifiers.cosign.simple_signing import verify_classic

    return await verify_classic(evidence, policy, authenticator)


def _preload() -> None:
    from pyratify.verifiers.cosign import attached_bundle  # noqa: F401 - beside the network, before they are needed
