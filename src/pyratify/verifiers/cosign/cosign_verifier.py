"""The verifier of cosign signatures, made with keys or with certificates."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError, InconclusiveError, VerificationError
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.sigstore.authenticator import Authenticator, load_authenticator
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
        self.clock = clock or SystemClock()
        self._policies = tuple(policies)
        # Duplicate scopes are refused here: otherwise the order of the policies would decide.
        self._scopes = ScopeMap(
            (scope, index) for index, policy in enumerate(self._policies) for scope in policy.scopes
        )
        if not self._policies:
            raise ConfigurationError(
                "a cosign verifier needs at least one trust policy", path="trustPolicies"
            )
        self._authenticators: tuple[Authenticator, ...] = ()

    def accepts(self, manifest: Manifest) -> bool:
        """Accept classic signatures and bundles, by the types in the manifest."""
        return not manifest.is_index and (is_bundle(manifest) or is_classic(manifest))

    async def prepare(self) -> None:
        """Parse keys and trusted roots in a thread; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID` or `TRUST_ROOT` with the origin of what cannot be used, or too many keys.
        """
        # No lock: two that start at once load the same, and the last one stays.
        if not self._authenticators:
            self._authenticators = await asyncio.to_thread(_load, self._policies, self.clock)

    async def verify(self, evidence: Evidence) -> Details:
        """Verify an artifact by the trust policy for the subject's repository.

        Raises:
            VerificationError: It is not acceptable evidence, or no trust policy covers the repository.
            InconclusiveError: A configured key or trusted root cannot be used.
            StoreError: The artifact's content could not be read.
        """
        # By the verified reference, never by a name in the signature.
        index = self._scopes.match(evidence.reference)
        if index is None:
            # Uncovered is refused, not skipped: a missing scope must not turn verification off.
            raise VerificationError(
                Reason.POLICY_NOT_FOUND, f"no cosign trust policy covers {evidence.reference.name}"
            )
        try:
            await self.prepare()
        except ConfigurationError as error:
            # The configuration's fault says nothing about the artifact, so nothing is denied for it.
            raise InconclusiveError(error.reason, error.message, remedy=error.remedy) from error
        policy, authenticator = self._policies[index], self._authenticators[index]
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


def _load(policies: tuple[CosignTrustPolicy, ...], clock: Clock) -> tuple[Authenticator, ...]:
    from pyratify.verifiers.cosign import attached_bundle  # noqa: F401 - beside the network, before they are needed

    return tuple(load_authenticator(policy, clock) for policy in policies)
